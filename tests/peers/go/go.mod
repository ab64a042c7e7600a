module peers

go 1.23

require github.com/hashicorp/yamux v0.1.1

// The fork that frp 0.70.1 ships; go.sum holds the checksums of frp's own go.sum.
replace github.com/hashicorp/yamux => github.com/fatedier/yamux v0.0.0-20250825093530-d0154be01cd6
