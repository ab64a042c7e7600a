//! Every transport of the stock programs, and the order of their layers.
