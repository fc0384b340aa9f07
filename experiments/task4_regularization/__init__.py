"""Task 4: softmax regression with an L2 penalty."""
