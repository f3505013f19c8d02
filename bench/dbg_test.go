package main

import (
	"fmt"
	"os"
	"testing"
	"time"
	"bytes"
)

func TestMain(m *testing.M) {
	for _, a := range os.Args { if a == "-serve" { serveLocalAWS(os.Stdin, os.Stdout); return } }
	os.Exit(m.Run())
}
func TestDbg(t *testing.T) {
	_ = bytes.NewReader
	endpoint, stop, err := startLocalAWS()
	if err != nil { t.Fatal(err) }
	defer stop()
	s := settings{latency: 10*time.Millisecond, handler: 20*time.Millisecond, window: 10*time.Second, scale: 100}
	for range 2 {
	for _, k := range kinds() {
		c := contestants()[3]
		r, err := measure(t.Context(), s, endpoint, k, c)
		fmt.Printf("%+v %v\n", r, err)
	}
	}
}
