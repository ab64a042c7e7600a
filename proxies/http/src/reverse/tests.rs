mod basics;
mod bodies;
mod faults;
mod fixture;
mod h2;
mod leaving;
mod refused;
