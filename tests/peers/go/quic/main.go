// Command quic is the Go end of the QUIC tests: the library that frp uses, in both roles.
//
//	quic -role client -addr ADDR -do many
//	quic -role server -do serve
//
// A server prints "listen ADDR" first. In either role it handles one connection, does one thing,
// prints "ok" and exits with 0.
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

const deadline = 100 * time.Second

func config() *quic.Config {
	return &quic.Config{
		MaxIdleTimeout:     30 * time.Second,
		MaxIncomingStreams: 100000,
		KeepAlivePeriod:    10 * time.Second,
	}
}

// certificate is one that nobody vouches for, without names.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
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

// finish closes a stream in both directions.
func finish(s *quic.Stream) {
	s.CancelRead(0)
	s.Close()
}

// serve echoes every stream that the peer opens, until the connection ends.
func serve(c *quic.Conn) error {
	for {
		s, err := c.AcceptStream(context.Background())
		if err != nil {
			var closed *quic.ApplicationError
			if errors.As(err, &closed) && closed.Remote && closed.ErrorCode == 0 && closed.ErrorMessage == "" {
				return nil
			}
			return fmt.Errorf("the connection ended otherwise: %w", err)
		}
		go func() {
			defer finish(s)
			io.Copy(s, s)
		}()
	}
}

// exchange sends size bytes, ends its direction, and reads as many back.
func exchange(c *quic.Conn, seed uint64, size int) error {
	s, err := c.OpenStreamSync(context.Background())
	if err != nil {
		return err
	}
	defer finish(s)
	sent := pattern(seed, size)
	failed := make(chan error, 1)
	go func() {
		_, err := s.Write(sent)
		s.Close()
		failed <- err
	}()
	got, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d of %d bytes, or others", len(got), size)
	}
	return <-failed
}

// many exchanges over n streams at once.
func many(c *quic.Conn, n int) error {
	var group sync.WaitGroup
	failed := make(chan error, n)
	for i := range n {
		group.Add(1)
		go func() {
			defer group.Done()
			failed <- exchange(c, uint64(i), []int{0, 1, 100, 70000, 300000}[i%5])
		}()
	}
	group.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// full closes a stream in both directions while the peer still sends; the peer must end its own.
func full(c *quic.Conn) error {
	for i := range 50 {
		s, err := c.OpenStreamSync(context.Background())
		if err != nil {
			return err
		}
		if _, err := s.Write(pattern(uint64(i), 100000)); err != nil {
			return err
		}
		if _, err := io.ReadFull(s, make([]byte, 1000)); err != nil {
			return err
		}
		finish(s)
	}
	return exchange(c, 1, 1000000)
}

func do(c *quic.Conn, what string) error {
	switch what {
	case "serve":
		return serve(c)
	case "many":
		return many(c, 300)
	case "crowd":
		return many(c, 3000)
	case "big":
		return exchange(c, 7, 64<<20)
	case "full":
		return full(c)
	case "gone":
		// The peer is asked to go, and must say so properly.
		if err := exchange(c, 1, 10); err != nil {
			return err
		}
		<-c.Context().Done()
		return serve(c)
	}
	return fmt.Errorf("nothing known to do as %q", what)
}

func connect(role, addr, alpn string) (*quic.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if role == "client" {
		config := config()
		return quic.DialAddr(ctx, addr, &tls.Config{
			InsecureSkipVerify: true,
			NextProtos:         []string{alpn},
		}, config)
	}
	cert, err := certificate()
	if err != nil {
		return nil, err
	}
	listener, err := quic.ListenAddr("127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{cert},
		NextProtos:   []string{alpn},
	}, config())
	if err != nil {
		return nil, err
	}
	fmt.Println("listen", listener.Addr())
	return listener.Accept(ctx)
}

func main() {
	role := flag.String("role", "client", "client or server")
	addr := flag.String("addr", "", "where to dial")
	what := flag.String("do", "serve", "serve, many, crowd, big, full, gone")
	alpn := flag.String("alpn", "frp", "the protocol to offer")
	flag.Parse()
	time.AfterFunc(deadline, func() { log.Fatal("took too long") })
	conn, err := connect(*role, *addr, *alpn)
	if err != nil {
		log.Fatal(err)
	}
	if err := do(conn, *what); err != nil {
		log.Fatal(err)
	}
	conn.CloseWithError(0, "")
	// Nothing says when the farewell has left.
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ok")
}
