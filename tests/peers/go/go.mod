module peers

go 1.25.0

require (
	github.com/hashicorp/yamux v0.1.1
	github.com/quic-go/quic-go v0.60.0
	github.com/xtaci/kcp-go/v5 v5.6.13
	golang.org/x/net v0.56.0
)

require (
	github.com/klauspost/cpuid/v2 v2.2.6 // indirect
	github.com/klauspost/reedsolomon v1.12.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/templexxx/cpu v0.1.1 // indirect
	github.com/templexxx/xorsimd v0.4.3 // indirect
	github.com/tjfoc/gmsm v1.4.1 // indirect
	golang.org/x/crypto v0.53.0 // indirect
	golang.org/x/sys v0.46.0 // indirect
)

// The fork that frp 0.70.1 ships; go.sum holds the checksums of frp's own go.sum.
replace github.com/hashicorp/yamux => github.com/fatedier/yamux v0.0.0-20250825093530-d0154be01cd6
