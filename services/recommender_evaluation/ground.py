"""The three models of every user of a split, each trained once however many rows need it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import PermanentError
from core.user_models import ModelKind
from models.recommenders.merging import score_candidates
from models.recommenders.protocol import Recommender, Scored
from services.recommender_evaluation.splits import Split, evenly, leave_out_again
from services.report_files import OnStep

if TYPE_CHECKING:
    from models.recommenders.community import CommunityModel

SEED = 0
#: Items that each model proposes to the merger, as by default in `settings.recommend.candidates`.
CANDIDATES = 300
#: Users that the merger's weights are learned on: more change them by less than one step of the search.
_VALIDATION_USERS = 500


@dataclass(slots=True, eq=False)
class Ground:
    """Models learned from the training side of a split alone."""

    split: Split
    on_step: OnStep
    users: Sequence[int]  #: Those whose models are needed; `everybody` of the split, or some.
    title: str = ""  #: Goes before the names of steps.
    seconds: dict[str, float] = field(default_factory=dict)  #: What each training took, of all users.
    _m1: list[Recommender | None] | None = None
    _m2: list[Recommender | None] | None = None
    _community: "CommunityModel | None" = None
    _alone: list[Recommender | None] | None = None

    def m1(self) -> Sequence[Recommender | None]:
        """The audio profile of every needed user, [u]; None for one with too little history."""
        from models.recommenders.audio_profile import AudioProfileRecommender, train_audio_profile

        def train(user: int) -> Recommender:
            trained = train_audio_profile(self.split.catalog, self.split.histories[user], seed=SEED)
            return AudioProfileRecommender.from_files(trained.files, self.split.catalog)

        if self._m1 is None:
            self._m1 = self._train_each("m1", self.users, train)
        return self._m1

    def m2(self) -> Sequence[Recommender | None]:
        """The content model of every needed user, [u]; None for one with too little history."""
        from models.recommenders.content import ContentRecommender, train_content
        from models.recommenders.content_space import build_content_space

        if self._m2 is not None:
            return self._m2
        space = build_content_space(self.split.catalog)

        def train(user: int) -> Recommender:
            trained = train_content(space, self.split.histories[user], seed=SEED)
            return ContentRecommender.from_files(trained.files, space)

        self._m2 = self._train_each("m2", self.users, train)
        return self._m2

    def community(self) -> "CommunityModel":
        """What all users of the split have in common."""
        from models.recommenders.community import CommunityModel, CommunityOptions, train_community

        if self._community is None:
            started = time.perf_counter()
            step = f"{self.title}Training m3 on all users"
            trained = train_community(
                self.split.catalog,
                self.split.histories,
                CommunityOptions(),
                lambda done, total: self.on_step(step, done, total),
            )
            self._community = CommunityModel.from_files(trained.files, self.split.catalog)
            self.seconds["m3"] = time.perf_counter() - started
        return self._community

    def m3(self, user: int) -> Recommender:
        """The model common to all users, as it serves one that has none of their own."""
        from models.recommenders.collaborative import CollaborativeRecommender

        return CollaborativeRecommender.from_files(None, self.split.catalog, self.community(), self._companions(user))

    def personal_m3(self, users: Sequence[int]) -> Sequence[Recommender | None]:
        """The common model fine-tuned to the given users, [u]; None for the others."""
        from models.recommenders.collaborative import CollaborativeRecommender, train_collaborative

        catalog, community = self.split.catalog, self.community()

        def train(user: int) -> Recommender:
            companions = self._companions(user)
            trained = train_collaborative(catalog, self.split.histories[user], community, companions, seed=SEED)
            return CollaborativeRecommender.from_files(trained.files, catalog, community, companions)

        return self._train_each("m3-personal", users, train)

    def m3_alone(self, users: Sequence[int]) -> Sequence[Recommender | None]:
        """M3 as it is learned of one user where nothing is known of others, [u]; None for users not asked for first."""
        from models.recommenders.collaborative import CollaborativeRecommender, train_collaborative

        catalog = self.split.catalog

        def train(user: int) -> Recommender:
            companions = self._companions(user)
            trained = train_collaborative(catalog, self.split.histories[user], None, companions, seed=SEED)
            return CollaborativeRecommender.from_files(trained.files, catalog, None, companions)

        if self._alone is None:
            self._alone = self._train_each("m3-alone", users, train)
        return self._alone

    def candidates(self, user: int, m3: Recommender | None) -> dict[ModelKind, Scored]:
        """What the merger gets for a user: the union of all proposals, scored by M1, M2 and the given M3."""
        models = [*self._companions(user), *([] if m3 is None else [m3])]
        return score_candidates(models, self.split.histories[user], self.split.excluded(user), CANDIDATES)

    def train_all(self) -> None:
        """Train M1, M2 and what users have in common."""
        self.m1()
        self.m2()
        self.community()

    def inner(self) -> "Ground":
        """Some of the users with more held out, to choose on: nothing of it knows what is held out here."""
        return Ground(
            leave_out_again(self.split), self.on_step, evenly(len(self.split), _VALIDATION_USERS), "Validation: "
        )

    def _companions(self, user: int) -> list[Recommender]:
        found = (self.m1()[user], self.m2()[user])
        return [recommender for recommender in found if recommender is not None]

    def _train_each(
        self, name: str, users: Sequence[int], train: Callable[[int], Recommender]
    ) -> list[Recommender | None]:
        started = time.perf_counter()
        models: list[Recommender | None] = [None] * len(self.split)
        for done, user in enumerate(users):
            self.on_step(f"{self.title}Training {name} of each user", done, len(users))
            models[user] = _unless_too_little(train, user)
        self.seconds[name] = time.perf_counter() - started
        return models


def _unless_too_little(train: Callable[[int], Recommender], user: int) -> Recommender | None:
    try:
        return train(user)
    except PermanentError as error:
        if error.code != "too-little-history":
            raise
        return None
