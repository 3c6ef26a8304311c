// SPDX-License-Identifier: ISC

// Command go_client talks to bobbind as a Go program would: "line" with bufio, "frame" with encoding/binary, and
// "half-close" with CloseWrite.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	c, err := net.DialTimeout("tcp", os.Args[2], 60*time.Second)
	must(err)
	must(c.SetDeadline(time.Now().Add(60 * time.Second)))
	r := bufio.NewReader(c)
	switch os.Args[1] {
	case "line":
		for i := 1; i <= 3; i++ {
			fmt.Fprintf(c, "%d\n", i)
			reply, err := r.ReadString('\n')
			must(err)
			fmt.Print(reply)
		}
	case "frame":
		for _, size := range []int{1, 70000, 0} {
			body := bytes.Repeat([]byte{byte(size)}, size)
			must(binary.Write(c, binary.BigEndian, uint32(size)))
			must(binary.Write(c, binary.BigEndian, body))
			var got uint32
			must(binary.Read(r, binary.BigEndian, &got))
			reply := make([]byte, got)
			must(binary.Read(r, binary.BigEndian, reply))
			fmt.Println(got, bytes.Equal(reply, body))
		}
	case "half-close":
		fmt.Fprint(c, "last words")
		must(c.(*net.TCPConn).CloseWrite())
		_, err := io.Copy(os.Stdout, c)
		must(err)
	}
}
