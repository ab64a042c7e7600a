// Command tls is the other end of a TLS connection: it dials, does the handshake in either role
// and echoes, or sends a pattern and checks the echo. With -make it writes certificates instead.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

var (
	dial  = flag.String("dial", "", "address to dial")
	role  = flag.String("role", "server", "server or client")
	total = flag.Int("total", 8<<20, "bytes that the client sends")
	cert  = flag.String("cert", "", "certificate file; a server without one makes its own")
	key   = flag.String("key", "", "key file")
	ca    = flag.String("ca", "", "authority file; the peer is verified against it")
	name  = flag.String("name", "", "server name to verify")
	old   = flag.Bool("tls12", false, "speak TLS 1.2 at most")
	dir   = flag.String("make", "", "write ca.crt, leaf.crt and leaf.key for -name to this folder")
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return k
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 62))
	must(err)
	return n.Add(n, big.NewInt(1))
}

func write(file, kind string, der []byte) {
	data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	must(os.WriteFile(filepath.Join(*dir, file), data, 0o600))
}

// An authority and a leaf of the same common name, as Kubernetes' helpers make them.
func makeFiles() {
	begin, end := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	caKey, leafKey := newKey(), newKey()
	authority := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: *name}, DNSNames: []string{*name},
		NotBefore: begin, NotAfter: end, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	must(err)
	write("ca.crt", "CERTIFICATE", der)
	authority, err = x509.ParseCertificate(der)
	must(err)
	leaf := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: *name}, DNSNames: []string{"localhost"},
		NotBefore: begin, NotAfter: end,
		KeyUsage:    x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(*name); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = append(leaf.DNSNames, *name)
	}
	der, err = x509.CreateCertificate(rand.Reader, leaf, authority, leafKey.Public(), caKey)
	must(err)
	write("leaf.crt", "CERTIFICATE", der)
	write("leaf.key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(leafKey))
}

// A server's own certificate: RSA, no names at all.
func nameless() tls.Certificate {
	k := newKey()
	template := &x509.Certificate{
		SerialNumber: serial(), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	must(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
}

func config() *tls.Config {
	c := &tls.Config{ServerName: *name, InsecureSkipVerify: *ca == ""}
	if *old {
		c.MaxVersion = tls.VersionTLS12
	}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		must(err)
		c.Certificates = []tls.Certificate{pair}
	} else if *role == "server" {
		c.Certificates = []tls.Certificate{nameless()}
	}
	if *ca != "" {
		data, err := os.ReadFile(*ca)
		must(err)
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(data) {
			log.Fatal("no certificate in ", *ca)
		}
		c.RootCAs, c.ClientCAs, c.ClientAuth = pool, pool, tls.RequireAndVerifyClientCert
	}
	return c
}

func pattern(b []byte, at int) {
	for i := range b {
		b[i] = byte((at + i) * 31 >> 3)
	}
}

func send(conn *tls.Conn) {
	go func() {
		buf := make([]byte, 50_000)
		for at := 0; at < *total; {
			part := buf[:min(len(buf), *total-at)]
			pattern(part, at)
			_, err := conn.Write(part)
			must(err)
			at += len(part)
		}
		must(conn.CloseWrite())
	}()
	got, err := io.ReadAll(conn)
	must(err)
	want := make([]byte, *total)
	pattern(want, 0)
	if string(got) != string(want) {
		log.Fatalf("%d bytes came back, not the same", len(got))
	}
}

func main() {
	flag.Parse()
	log.SetFlags(0)
	if *dir != "" {
		makeFiles()
		return
	}
	raw, err := net.Dial("tcp", *dial)
	must(err)
	if *role == "server" {
		conn := tls.Server(raw, config())
		_, err := io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn}, make([]byte, 100_000))
		if err != nil && !errors.Is(err, net.ErrClosed) {
			log.Fatal(err)
		}
		must(conn.Close())
	} else {
		conn := tls.Client(raw, config())
		must(conn.Handshake())
		send(conn)
		must(conn.Close())
	}
	fmt.Println("done")
}
