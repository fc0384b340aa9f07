"""Logistic and softmax regression on MNIST, with hand-derived gradients checked by autodiff."""
