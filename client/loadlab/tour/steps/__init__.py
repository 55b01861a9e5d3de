"""The steps of the tour, a module each with one name, `STEP`; `loadlab.tour.NAMES` has their order."""
