"""Constants of the simulation, found by `models.routing.simulation_fit` on the popular tracks of the public holdouts.

What they achieve stands in the report of `musicspace evaluate routing`, beside what was published.
"""

from models.routing.simulation import Constants

CONSTANTS = Constants(
    found=(-0.4477, 0.1064, 0.6422, -0.1873, -0.9311, -0.1441, 0.0364, -1.2786, -0.6378),
    near=(0.0264, 0.0342, 0.0455, 0.0437, 0.0024, 0.0253, 0.0105, 0.0067, 0.0093),
    far=(1.4537, 0.6362, 0.4835, 0.4652, 1.5, 0.2698, 0.0984, 0.4151, 0.0759),
    typical=(0.6485, 0.6712, 0.4962, 0.2127, 0.0858, 0.1811, 0.1053, 121.1089, -6.9879),
    of_group=(
        0.6906,
        -0.7145,
        0.4886,
        -1.1565,
        -0.4842,
        0.2244,
        0.6608,
        -0.8365,
        0.1204,
        0.3465,
        0.0624,
        0.5469,
        0.5469,
        0.5469,
        0.5469,
        0.0088,
        0.0088,
    ),
    of_popularity=0.5431,
    confused=0.0038,
)
