package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// read is a request to repeat.
type read struct {
	name, path, token string
}

// text is the request as sent. The client is simple, since it shares the processors with
// the portal.
func (r read) text(address string) string {
	lines := []string{"GET " + r.path + " HTTP/1.1", "Host: " + address, "Accept-Encoding: gzip", "User-Agent: bench"}
	if r.token != "" {
		lines = append(lines, "Authorization: Bearer "+r.token)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

type sent struct {
	took   []time.Duration
	bytes  int64
	status int
}

// send repeats the request over one connection until that time.
func send(ctx context.Context, address string, r read, until time.Time) (sent, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return sent{}, err
	}
	defer connection.Close()
	request, answers := []byte(r.text(address)), bufio.NewReaderSize(connection, 64<<10)
	var s sent
	for time.Now().Before(until) && ctx.Err() == nil {
		began := time.Now()
		if _, err := connection.Write(request); err != nil {
			return s, err
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return s, err
		}
		n, err := io.Copy(io.Discard, response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			return s, err
		}
		s.took, s.bytes, s.status = append(s.took, time.Since(began)), s.bytes+n, response.StatusCode
	}
	return s, nil
}

type measured struct {
	status      int
	perSecond   float64
	median, p99 time.Duration
	// cpu, bytes and dynamoDB are per request: the portal's processor time, the body's bytes as
	// sent, and requests to DynamoDB.
	cpu      time.Duration
	bytes    int64
	dynamoDB float64
}

// warming is how long requests are sent before anything is counted.
const warming = time.Second

func (s *site) measure(ctx context.Context, r read, connections int, duration time.Duration) (measured, error) {
	if _, err := s.crowd(ctx, r, connections, warming); err != nil {
		return measured{}, err
	}
	cpu, calls, began := s.cpu(), s.aws.Counts().Requests("dynamodb"), time.Now()
	all, err := s.crowd(ctx, r, connections, duration)
	if err != nil {
		return measured{}, err
	}
	took, n := time.Since(began), len(all.took)
	if n == 0 {
		return measured{}, fmt.Errorf("%s was never answered", r.path)
	}
	slices.Sort(all.took)
	return measured{
		status: all.status, perSecond: float64(n) / took.Seconds(), median: all.took[n/2], p99: all.took[n*99/100],
		cpu: (s.cpu() - cpu) / time.Duration(n), bytes: all.bytes / int64(n),
		dynamoDB: float64(s.aws.Counts().Requests("dynamodb")-calls) / float64(n),
	}, nil
}

func (s *site) crowd(ctx context.Context, r read, connections int, duration time.Duration) (sent, error) {
	until := time.Now().Add(duration)
	var mu sync.Mutex
	var all sent
	var failed error
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			one, err := send(ctx, s.address, r, until)
			mu.Lock()
			defer mu.Unlock()
			all.took, all.bytes, all.status = append(all.took, one.took...), all.bytes+one.bytes, one.status
			failed = errors.Join(failed, err)
		})
	}
	group.Wait()
	return all, errors.Join(failed, ctx.Err())
}
