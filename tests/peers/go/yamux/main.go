// Command yamux is the Go end of the mux tests: frp's own yamux, in both roles.
//
//	yamux -dial ADDR -role client -do echo
//
// It dials ADDR, starts a session in the role, does one thing, prints "ok" and exits with 0.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

const deadline = 60 * time.Second

func config() *yamux.Config {
	c := yamux.DefaultConfig()
	c.KeepAliveInterval = 500 * time.Millisecond
	c.ConnectionWriteTimeout = 5 * time.Second
	c.MaxStreamWindowSize = 6 * 1024 * 1024
	c.StreamOpenTimeout = 2 * time.Second
	c.LogOutput = os.Stderr
	return c
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

// echo sends back what it reads, until the end.
func echo(s net.Conn) error {
	defer s.Close()
	_, err := io.Copy(s, s)
	return err
}

// serve echoes every stream that the peer opens, until the session ends.
func serve(session *yamux.Session) error {
	for {
		s, err := session.Accept()
		if err != nil {
			return nil
		}
		go echo(s)
	}
}

// exchange sends size bytes in portions, and reads as many back.
func exchange(session *yamux.Session, seed uint64, size, step int) error {
	s, err := session.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	sent := pattern(seed, size)
	failed := make(chan error, 1)
	go func() {
		for rest := sent; len(rest) > 0; {
			n := min(step, len(rest))
			if _, err := s.Write(rest[:n]); err != nil {
				failed <- err
				return
			}
			rest = rest[n:]
		}
		failed <- nil
	}()
	got := make([]byte, size)
	if _, err := io.ReadFull(s, got); err != nil {
		return fmt.Errorf("stream %d: %w", seed, err)
	}
	if sha256.Sum256(got) != sha256.Sum256(sent) {
		return errors.New("bytes differ")
	}
	return <-failed
}

// many exchanges on n streams at once.
func many(session *yamux.Session, n int) error {
	sizes := []int{1, 100, 5000, 70_000, 1_000_000}
	var group sync.WaitGroup
	failed := make(chan error, n)
	for i := range n {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := exchange(session, uint64(i), sizes[i%5], 32*1024); err != nil {
				failed <- err
			}
		}()
	}
	group.Wait()
	close(failed)
	return <-failed
}

// idle opens streams that carry nothing, for longer than the open timeout: the session lives only
// if they were acknowledged. Then one of them is used.
func idle(session *yamux.Session) error {
	var all []net.Conn
	for range 20 {
		s, err := session.Open()
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	select {
	case <-session.CloseChan():
		return errors.New("the session died of an unacknowledged stream")
	case <-time.After(4 * time.Second):
	}
	for _, s := range all {
		if _, err := s.Write([]byte("x")); err != nil {
			return err
		}
		if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
			return err
		}
		s.Close()
	}
	return nil
}

// halfClose finishes its direction first and reads the echo afterwards.
func halfClose(session *yamux.Session) error {
	for i := range 50 {
		s, err := session.Open()
		if err != nil {
			return err
		}
		sent := pattern(uint64(i), 50_000)
		if _, err := s.Write(sent); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		got, err := io.ReadAll(s)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, sent) {
			return fmt.Errorf("%d of %d bytes", len(got), len(sent))
		}
	}
	return nil
}

func run(session *yamux.Session, what string) error {
	switch what {
	case "serve":
		return serve(session)
	case "many":
		return many(session, 300)
	case "big":
		return exchange(session, 7, 64<<20, 1<<20)
	case "idle":
		return idle(session)
	case "half":
		return halfClose(session)
	}
	return fmt.Errorf("cannot do %q", what)
}

func main() {
	dial := flag.String("dial", "", "where to connect")
	role := flag.String("role", "client", "client or server of the session")
	what := flag.String("do", "serve", "serve, many, big, idle or half")
	flag.Parse()
	time.AfterFunc(deadline, func() { log.Fatal("took too long") })
	conn, err := net.Dial("tcp", *dial)
	if err != nil {
		log.Fatal(err)
	}
	start := yamux.Client
	if *role == "server" {
		start = yamux.Server
	}
	session, err := start(conn, config())
	if err != nil {
		log.Fatal(err)
	}
	if err := run(session, *what); err != nil {
		log.Fatal(err)
	}
	if _, err := session.Ping(); *what != "serve" && err != nil {
		log.Fatal(err)
	}
	session.Close()
	fmt.Println("ok")
}
