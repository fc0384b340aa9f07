"""Other gradient checkers, run on the same gradients."""

from experiments.controls.peers.jax_check_grads import CHECK_GRADS
from experiments.controls.peers.scipy_check_grad import SCIPY_CHECK_GRAD
from experiments.controls.peers.subject import Peer
from experiments.controls.peers.ten_coordinates import TEN_COORDINATES
from experiments.controls.peers.torch_gradcheck import TORCH_GRADCHECK

PEERS: tuple[Peer, ...] = (*CHECK_GRADS, SCIPY_CHECK_GRAD, TORCH_GRADCHECK, TEN_COORDINATES)
