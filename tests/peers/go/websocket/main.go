// Command websocket is the other end of a websocket connection: it dials, does the handshake in
// either role, and echoes, or sends a pattern and checks the echo.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"golang.org/x/net/websocket"
)

var (
	dial = flag.String("dial", "", "address to dial")
	role = flag.String("role", "server", "server or client")
	do   = flag.String("do", "echo", "echo or send")
	text = flag.Bool("text", false, "send text frames, as frp did before 0.62")
	path = flag.String("path", "/~!frp", "path to ask for")
)

const total = 16 << 20

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func pattern(b []byte, at int) {
	for i := range b {
		b[i] = byte((at + i) * 31 >> 3)
	}
}

func send(ws *websocket.Conn) {
	go func() {
		buf := make([]byte, 50_000)
		for at := 0; at < total; {
			part := buf[:min(len(buf), total-at)]
			pattern(part, at)
			_, err := ws.Write(part)
			must(err)
			at += len(part)
		}
	}()
	got, want := make([]byte, 65_536), make([]byte, 65_536)
	for at := 0; at < total; {
		n, err := ws.Read(got)
		must(err)
		pattern(want[:n], at)
		if !bytes.Equal(got[:n], want[:n]) {
			log.Fatal("wrong byte after ", at)
		}
		at += n
	}
	must(ws.Close())
}

func serve(ws *websocket.Conn) {
	ws.PayloadType = websocket.BinaryFrame
	if *text {
		ws.PayloadType = websocket.TextFrame
	}
	if *do == "send" {
		send(ws)
	} else {
		_, err := io.Copy(ws, ws)
		must(err)
		ws.Close()
	}
}

// A listener with one connection, which we dialled.
type one struct {
	conns chan net.Conn
	addr  net.Addr
}

func (l one) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, io.EOF
	}
	return conn, nil
}

func (l one) Close() error   { return nil }
func (l one) Addr() net.Addr { return l.addr }

func main() {
	flag.Parse()
	conn, err := net.Dial("tcp", *dial)
	must(err)
	if *role == "client" {
		config, err := websocket.NewConfig("ws://"+*dial+*path, "http://"+*dial)
		must(err)
		ws, err := websocket.NewClient(config, conn)
		must(err)
		serve(ws)
	} else {
		served := make(chan struct{})
		mux := http.NewServeMux()
		mux.Handle("/~!frp", websocket.Handler(func(ws *websocket.Conn) {
			serve(ws)
			close(served)
		}))
		conns := make(chan net.Conn, 1)
		conns <- conn
		go http.Serve(one{conns, conn.LocalAddr()}, mux)
		<-served
	}
	fmt.Println("ok")
}
