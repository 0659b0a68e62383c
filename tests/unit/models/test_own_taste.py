"""What M3 sees of a user's own taste, where the numbers are at their limits."""

import numpy as np
from made_listeners import made_catalog, owned_history

from models.recommenders.interaction_matrix import history_rows
from models.recommenders.item_traits import item_traits
from models.recommenders.own_taste import own_taste


def test_an_item_that_outweighs_all_others_leaves_nothing_to_compare_it_with() -> None:
    catalog, history = made_catalog(), owned_history(np.array([3, 50, 90]))
    # Twenty years halve a weight forty times.
    history.age_days[1:] = 7300
    row = history_rows([history], len(catalog))
    with np.errstate(all="raise"):
        columns = own_taste(history, row, item_traits(catalog), np.array([3, 4, 50]))
    distance = columns["audio_distance"]
    assert np.isnan(distance[0])
    assert np.isfinite(distance[1:]).all()
    np.testing.assert_allclose(distance[1], np.linalg.norm(np.diff(item_traits(catalog).audio[3:5], axis=0)), rtol=1e-4)
