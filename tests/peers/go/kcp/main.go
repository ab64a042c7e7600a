// Command kcp is the Go end of the kcp tests: kcp-go with upstream's settings, in both roles.
//
//	kcp -listen 127.0.0.1:0          echoes on every session, prints its address first
//	kcp -dial ADDR -do small|big     asks an echo on ADDR, prints "ok" and exits with 0
//
// With -gap it waits that long between two transfers of "big", which skips parity on the way.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	kcp "github.com/xtaci/kcp-go/v5"
)

const deadline = 60 * time.Second

// tune sets what frp sets on both ends; the windows differ.
func tune(s *kcp.UDPSession, snd, rcv int) {
	s.SetStreamMode(true)
	s.SetWriteDelay(true)
	s.SetNoDelay(1, 20, 2, 1)
	s.SetMtu(1350)
	s.SetWindowSize(snd, rcv)
	s.SetACKNoDelay(false)
}

func serve(address string) error {
	l, err := kcp.ListenWithOptions(address, nil, 10, 3)
	if err != nil {
		return err
	}
	_ = l.SetReadBuffer(4194304)
	_ = l.SetWriteBuffer(4194304)
	fmt.Println(l.Addr())
	for {
		s, err := l.AcceptKCP()
		if err != nil {
			return err
		}
		tune(s, 1024, 1024)
		go func() {
			defer s.Close()
			_, _ = io.Copy(s, s)
		}()
	}
}

// pattern is the same function as in the Rust tests.
func pattern(seed uint64, size int) []byte {
	x := seed*0x9e3779b97f4a7c15 | 1
	out := make([]byte, 0, size+8)
	for len(out) < size {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		for i := 0; i < 8; i++ {
			out = append(out, byte(x>>(8*i)))
		}
	}
	return out[:size]
}

func exchange(s net.Conn, seed uint64, size int) error {
	sent := pattern(seed, size)
	failed := make(chan error, 1)
	go func() {
		_, err := s.Write(sent)
		failed <- err
	}()
	got := make([]byte, size)
	if _, err := io.ReadFull(s, got); err != nil {
		return err
	}
	if err := <-failed; err != nil {
		return err
	}
	if !bytes.Equal(sent, got) {
		return fmt.Errorf("%d bytes came back changed", size)
	}
	return nil
}

func ask(address, what string, gap time.Duration) error {
	s, err := kcp.DialWithOptions(address, nil, 10, 3)
	if err != nil {
		return err
	}
	defer s.Close()
	tune(s, 128, 512)
	_ = s.SetDeadline(time.Now().Add(deadline))
	switch what {
	case "small":
		for i := 0; i < 200; i++ {
			if err := exchange(s, uint64(i), 1+i*7); err != nil {
				return err
			}
		}
	case "big":
		for i := 0; i < 4; i++ {
			if err := exchange(s, uint64(i), 4<<20); err != nil {
				return err
			}
			time.Sleep(gap)
		}
	default:
		return fmt.Errorf("unknown task %q", what)
	}
	fmt.Println("ok")
	return nil
}

func main() {
	log.SetFlags(0)
	listen := flag.String("listen", "", "address to listen on")
	dial := flag.String("dial", "", "address to dial")
	what := flag.String("do", "small", "what to ask")
	gap := flag.Duration("gap", 0, "pause between transfers")
	flag.Parse()
	var err error
	if *listen != "" {
		err = serve(*listen)
	} else {
		err = ask(*dial, *what, *gap)
	}
	if err != nil {
		log.Fatal(err)
	}
}
