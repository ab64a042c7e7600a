//! Every proxy kind of the stock programs, both ends side by side.
