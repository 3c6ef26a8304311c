// SPDX-License-Identifier: ISC

// Command peer is the same services in Go, as Go programs have them.
//
//	peer SERVICE STYLE
//
//	line plain       as tutorials write it: ReadString, and Fprintf to the connection
//	line buffered    a buffer each way, flushed before it blocks
//	frame buffered   the same with frames
//	raw plain        Read and Write
//	raw copy         io.Copy
//
// It prints "address=127.0.0.1:PORT" when it listens.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

const bufferBytes = 16384

func linePlain(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(c, "echo: %s", line); err != nil {
			return
		}
	}
}

func lineBuffered(c net.Conn) {
	r := bufio.NewReaderSize(c, bufferBytes)
	w := bufio.NewWriterSize(c, bufferBytes)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		w.WriteString("echo: ")
		w.Write(line)
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
	}
}

func frameBuffered(c net.Conn) {
	r := bufio.NewReaderSize(c, bufferBytes)
	w := bufio.NewWriterSize(c, bufferBytes)
	var header [4]byte
	var body []byte
	for {
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint32(header[:]))
		if n > cap(body) {
			body = make([]byte, n)
		}
		if _, err := io.ReadFull(r, body[:n]); err != nil {
			return
		}
		w.Write(header[:])
		w.Write(body[:n])
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
	}
}

func rawPlain(c net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := c.Read(buffer)
		if err != nil {
			return
		}
		if _, err := c.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func rawCopy(c net.Conn) {
	io.Copy(c, c)
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("peer SERVICE STYLE")
	}
	serve := map[string]func(net.Conn){
		"line plain":     linePlain,
		"line buffered":  lineBuffered,
		"frame buffered": frameBuffered,
		"raw plain":      rawPlain,
		"raw copy":       rawCopy,
	}[os.Args[1]+" "+os.Args[2]]
	if serve == nil {
		log.Fatal("peer SERVICE STYLE: no such pair")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("address=%s\n", l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer c.Close()
			serve(c)
		}()
	}
}
