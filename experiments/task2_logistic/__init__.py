"""Task 2: logistic regression on two digits, early stopping and shuffling."""
