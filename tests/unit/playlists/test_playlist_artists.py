"""Which commas separate artists."""

import pytest

from services.playlists.artists import join_artists


@pytest.mark.parametrize(
    ("cell", "joined"),
    [
        ("Queen", "Queen"),
        (" Queen ", "Queen"),
        ("Butch;Nic Fanciulli", "Butch;Nic Fanciulli"),
        ("Francisco, el Hombre; Labaq ;", "Francisco, el Hombre;Labaq"),
        ("Tyler\\, The Creator, Kali Uchis", "Tyler, The Creator;Kali Uchis"),
        ("Tyler, The Creator,Kali Uchis", "Tyler, The Creator;Kali Uchis"),
        ("Daft Punk,Pharrell Williams,Nile Rodgers", "Daft Punk;Pharrell Williams;Nile Rodgers"),
        ("50 Cent, DJ Whoo Kid", "50 Cent;DJ Whoo Kid"),
        ("Kodak Black, A Boogie wit da Hoodie", "Kodak Black;A Boogie wit da Hoodie"),
        ("10,000 Maniacs", "10,000 Maniacs"),
    ],
)
def test_separators(cell: str, joined: str) -> None:
    assert join_artists(cell) == joined


@pytest.mark.parametrize(
    "name",
    [
        "Tyler, The Creator",
        "Earth, Wind & Fire",
        "Emerson, Lake & Palmer",
        "Crosby, Stills, Nash & Young",
        "Peter, Paul and Mary",
        "Grover Washington, Jr.",
        "Hank Williams, Jr",
        "Sarah, the Illstrumentalist",
        "Francisco, el Hombre",
        "Now, Now",
        "quickly, quickly",
        "Our Hollow, Our Home",
    ],
)
def test_names_with_a_comma_stay_whole(name: str) -> None:
    assert join_artists(name) == name


def test_the_number_of_ids_decides() -> None:
    assert join_artists("Our Earth, Drop & Dead", n_ids=2) == "Our Earth;Drop & Dead"
    assert join_artists("First Name, Last Name", n_ids=1) == "First Name, Last Name"
    assert join_artists("Tyler, The Creator,Kali Uchis", n_ids=2) == "Tyler, The Creator;Kali Uchis"


def test_commas_never_separate_in_a_file_of_semicolons() -> None:
    assert join_artists("Mestre Pedrinho, Grupo Tma", commas_separate=False) == "Mestre Pedrinho, Grupo Tma"
