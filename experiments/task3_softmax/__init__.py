"""Task 3: softmax regression on ten digits."""
