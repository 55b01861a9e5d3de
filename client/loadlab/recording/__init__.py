"""What was counted: samples, tapes, histograms and the sums that merge."""
