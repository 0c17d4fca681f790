"""Two steps of a 2-2-1 network by hand, momentum visible in the second. Holds numbers and no test.

Logistic units, E = ½·(t − y)², learning rate α = 0.5, momentum η = 0.9, one sample per step.
The numbers were worked out from the scalar formulas below in thirty digits, apart from schuss.

    weights   w_11 = 0.1   w_12 = 0.4     (from input 1 to hidden 1, hidden 2)
              w_21 = −0.2  w_22 = 0.3     (from input 2)
              b_1 = 0.05   b_2 = −0.1
              v_1 = 0.6    v_2 = −0.5     (from hidden 1, hidden 2 to the output),  c = 0.2
    samples   (1, 0.5) -> 1  at step 0,   (−1, 2) -> 0  at step 1

    STEP 0                          net input x           output y = 1/(1+exp(−x))
      hidden 1    1·0.1 − 0.5·0.2 + 0.05 = 0.05           0.5124973964842103
      hidden 2    1·0.4 + 0.5·0.3 − 0.1  = 0.45           0.610639233949222
      output      y_1·0.6 − y_2·0.5 + 0.2 = 0.2021788209159152   0.5503732328349683
      E = ½·(1 − 0.5503732…)² = 0.1010821148756388

      δ output    (t−y)·y·(1−y)             =  0.1112657806918019
      δ hidden 1  y_1·(1−y_1)·( 0.6·δ)      =  0.01667944028161117
      δ hidden 2  y_2·(1−y_2)·(−0.5·δ)      = −0.01322721814549132

      Δw = α·δ_j·y_k + η·0, and so Δv_1 = 0.5·0.11126578·0.51249740 = 0.02851171, for example.

    STEP 1, with the weights that step 0 left
      hidden 1    x = −0.4416602798591944   y = 0.3913454289834691
      hidden 2    x =  0.09338639092725434  y = 0.523329645340929
      output      x =  0.2577116117655195   y = 0.56407367231452
      E = 0.1590895538991943
      δ output = −0.138702650008794;  δ hidden 1, with v_1 as it now is = −0.02076487335418092,
      δ hidden 2 = 0.01612466120690654

      Δw = α·δ_j·y_k + η·Δw(0):             α·δ_j·y_k      +   η·Δw(0)        =   Δw(1)
        v_1                              −0.027140324034   0.025660540315   −0.001479783719
        w_11                              0.010382436677   0.007505748127    0.017888184804
        b_1                              −0.010382436677   0.007505748127   −0.002876688550
      Memory all but cancels the push on v_1, and turns 0.0104 into 0.0179 on w_11.
"""

import numpy as np

from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.rules import Momentum
from schuss.method.samples import Samples
from schuss.method.state import State

NETWORK = Network([2, 2, 1], activation="logistic", loss="squared_error")
X = np.array([[1.0, 0.5], [-1.0, 2.0]])
T = np.array([[1.0], [0.0]])
PLAN = Plan(Momentum(learning_rate=0.5, momentum=0.9), epochs=1, batch_size=1, order="sequential")

# Order of theta: w_11, w_12, w_21, w_22, b_1, b_2, v_1, v_2, c
START = np.array([0.1, 0.4, -0.2, 0.3, 0.05, -0.1, 0.6, -0.5, 0.2])

NET_INPUTS = [(0.05, 0.45, 0.2021788209159152),
              (-0.4416602798591944, 0.09338639092725434, 0.2577116117655195)]  # fmt: skip
OUTPUTS = [(0.5124973964842103, 0.610639233949222, 0.5503732328349683),
           (0.3913454289834691, 0.523329645340929, 0.56407367231452)]  # fmt: skip
DELTAS = [(0.01667944028161117, -0.01322721814549132, 0.1112657806918019),
          (-0.02076487335418092, 0.01612466120690654, -0.138702650008794)]  # fmt: skip
LOSSES = [0.1010821148756388, 0.1590895538991943]
CHANGES = np.array([
    [0.008339720140805587, -0.006613609072745662, 0.004169860070402793, -0.003306804536372831,
     0.008339720140805587, -0.006613609072745662, 0.02851171146116581, 0.03397162554320204,
     0.05563289034590097],
    [0.01788818480381549, -0.01401457876892437, -0.01701199929081841, 0.013148537124171,
     -0.002876688550365433, 0.002110082437982177, -0.001479783719368496, -0.005719141329592738,
     -0.01928172369308611],
])  # fmt: skip
END = np.array([0.1262279049446211, 0.37937181215833, -0.2128421392204156, 0.3098417325877982,
                0.05546303159044015, -0.1045035266347635, 0.6270319277417973, -0.4717475157863907,
                0.2363511666528149])  # fmt: skip


def start_state() -> State:
    return State.start(START, slots=1)


def samples() -> Samples:
    return Samples.check(NETWORK, X, T)
