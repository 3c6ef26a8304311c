// SPDX-License-Identifier: ISC

// Command go_client talks to bobbind as a Go program would: lines with bufio, frames with encoding/binary, and
// half-close with CloseWrite.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"
)

func lines(c net.Conn) {
	r := bufio.NewReader(c)
	for i := 1; i <= 3; i++ {
		fmt.Fprintf(c, "%d\n", i)
		reply, err := r.ReadString('\n')
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(reply)
	}
}

func frames(c net.Conn) {
	for _, size := range []int{1, 70000, 0} {
		body := bytes.Repeat([]byte{byte(size)}, size)
		if err := binary.Write(c, binary.BigEndian, uint32(size)); err != nil {
			log.Fatal(err)
		}
		if _, err := c.Write(body); err != nil {
			log.Fatal(err)
		}
		var got uint32
		if err := binary.Read(c, binary.BigEndian, &got); err != nil {
			log.Fatal(err)
		}
		reply := make([]byte, got)
		if _, err := io.ReadFull(c, reply); err != nil {
			log.Fatal(err)
		}
		fmt.Println(got, bytes.Equal(reply, body))
	}
}

func halfClose(c net.Conn) {
	fmt.Fprint(c, "last words")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, c); err != nil {
		log.Fatal(err)
	}
}

func main() {
	modes := map[string]func(net.Conn){"line": lines, "frame": frames, "half-close": halfClose}
	c, err := net.DialTimeout("tcp", os.Args[2], 60*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(60 * time.Second))
	modes[os.Args[1]](c)
}
