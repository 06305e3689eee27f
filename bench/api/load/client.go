package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// order is one line on stdin: ask with so many clients, each on a connection of its own that it keeps, so many times in
// all or for so long.
type order struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Model   string            `json:"model"`
	Stream  bool              `json:"stream"`
	Clients int               `json:"clients"`
	Count   int64             `json:"count"`
	ForMs   int64             `json:"forMs"`
	// Hold keeps each stream open after its first token, until an order with Release.
	Hold    bool `json:"hold"`
	Release bool `json:"release"`
	// Each answer must have so many.
	Tokens int `json:"tokens"`
}

// report is the line that answers it. Times are in milliseconds, one for each answer that came whole.
type report struct {
	First  []float64 `json:"first"`
	Whole  []float64 `json:"whole"`
	Tokens int       `json:"tokens"`
	Held   int       `json:"held"`
	Failed int       `json:"failed"`
	Reason string    `json:"reason,omitempty"`
	TookMs float64   `json:"tookMs"`
}

const (
	readBytes    = 64 * 1024
	patience     = 60 * time.Second
	patienceHeld = 20 * time.Second
	// noNumber is what stands for the number of a question: each is another one, as with real clients.
	noNumber = "000000000"
	// More at once overflow the queue of those who wait to be accepted.
	dialsAtOnce = 32
)

// asked counts the questions of this process.
var asked atomic.Int64

// serveClient carries out one order after the other. It ends with its stdin, also in the midst of one.
func serveClient(orders io.Reader, reports io.Writer) error {
	queue := make(chan order)
	go func() {
		decoder := json.NewDecoder(orders)
		for {
			var next order
			if err := decoder.Decode(&next); err != nil {
				os.Exit(0)
			}
			queue <- next
		}
	}()
	encoder := json.NewEncoder(reports)
	var open []net.Conn
	for next := range queue {
		var done report
		if next.Release {
			for _, connection := range open {
				connection.Close()
			}
			open = nil
		} else {
			var kept []net.Conn
			done, kept = carryOut(next)
			open = append(open, kept...)
		}
		if err := encoder.Encode(done); err != nil {
			return err
		}
	}
	return nil
}

type asker struct {
	order   order
	request []byte
	// number is where the question has its number.
	number     []byte
	connection net.Conn
	reader     *bufio.Reader
	buffer     []byte
	report     report
}

func carryOut(next order) (report, []net.Conn) {
	askers, err := connectAll(next)
	if err != nil {
		return report{Failed: 1, Reason: err.Error()}, nil
	}
	var left atomic.Int64
	left.Store(next.Count)
	var all sync.WaitGroup
	begun := time.Now()
	until := begun.Add(time.Duration(next.ForMs) * time.Millisecond)
	for _, one := range askers {
		all.Go(func() {
			for (next.ForMs > 0 && time.Now().Before(until)) || (next.Count > 0 && left.Add(-1) >= 0) {
				if !one.ask() {
					return
				}
			}
		})
	}
	all.Wait()
	return sum(askers, time.Since(begun))
}

func sum(askers []*asker, took time.Duration) (report, []net.Conn) {
	whole := report{TookMs: milliseconds(took)}
	var kept []net.Conn
	for _, one := range askers {
		whole.First = append(whole.First, one.report.First...)
		whole.Whole = append(whole.Whole, one.report.Whole...)
		whole.Tokens += one.report.Tokens
		whole.Held += one.report.Held
		whole.Failed += one.report.Failed
		if one.report.Reason != "" {
			whole.Reason = one.report.Reason
		}
		if one.report.Held > 0 {
			kept = append(kept, one.connection)
		} else {
			one.connection.Close()
		}
	}
	return whole, kept
}

func connectAll(next order) ([]*asker, error) {
	to, err := url.Parse(next.URL)
	if err != nil {
		return nil, err
	}
	request := toRequest(next, to)
	number := bytes.Index(request, []byte(noNumber))
	askers := make([]*asker, next.Clients)
	failures := make([]error, next.Clients)
	slots := make(chan struct{}, dialsAtOnce)
	var all sync.WaitGroup
	for n := range askers {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			connection, err := net.Dial("tcp", to.Host)
			failures[n] = err
			// What holds a thousand streams needs no large buffers.
			size := readBytes
			if next.Hold {
				size = 4096
			}
			own := bytes.Clone(request)
			askers[n] = &asker{
				order: next, request: own, number: own[number : number+len(noNumber)], connection: connection,
				reader: bufio.NewReaderSize(connection, size), buffer: make([]byte, size),
			}
		})
	}
	all.Wait()
	return askers, errors.Join(failures...)
}

func toRequest(next order, to *url.URL) []byte {
	body, _ := json.Marshal(map[string]any{
		"model":    next.Model,
		"messages": []any{map[string]string{"role": "user", "content": "Question " + noNumber + ": why is the sea blue, and when is it green?"}},
		"stream":   next.Stream,
	})
	var request bytes.Buffer
	fmt.Fprintf(&request, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n", to.Path, to.Host)
	fmt.Fprintf(&request, "Authorization: Bearer bench\r\nContent-Length: %d\r\n", len(body))
	for name, value := range next.Headers {
		fmt.Fprintf(&request, "%s: %s\r\n", name, value)
	}
	request.WriteString("\r\n")
	request.Write(body)
	return request.Bytes()
}

// ask sends one request and reads its answer. False when this client is through: it failed, or it holds a stream.
func (one *asker) ask() bool {
	copy(one.number, fmt.Sprintf("%0*d", len(noNumber), asked.Add(1)))
	limit := patience
	if one.order.Hold {
		limit = patienceHeld
	}
	begun := time.Now()
	one.connection.SetDeadline(begun.Add(limit))
	if _, err := one.connection.Write(one.request); err != nil {
		return one.fail(err.Error())
	}
	response, err := http.ReadResponse(one.reader, nil)
	if err != nil {
		return one.fail(err.Error())
	}
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 300))
		return one.fail(fmt.Sprintf("%s %s", response.Status, said))
	}
	return one.read(response, begun)
}

func (one *asker) read(response *http.Response, begun time.Time) bool {
	count := counter{word: []byte(token)}
	ended := counter{word: []byte("[DONE]")}
	var first time.Time
	for {
		size, err := response.Body.Read(one.buffer)
		count.add(one.buffer[:size])
		ended.add(one.buffer[:size])
		if count.found > 0 && first.IsZero() {
			first = time.Now()
			if one.order.Hold {
				one.report.Held = 1
				return false
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return one.fail(err.Error())
		}
	}
	if count.found != one.order.Tokens || (one.order.Stream && ended.found != 1) {
		const format = "%d tokens came and not %d, and %d ends"
		return one.fail(fmt.Sprintf(format, count.found, one.order.Tokens, ended.found))
	}
	one.report.First = append(one.report.First, milliseconds(first.Sub(begun)))
	one.report.Whole = append(one.report.Whole, milliseconds(time.Since(begun)))
	one.report.Tokens += count.found
	return !response.Close || one.reconnect()
}

// A server may close after each answer; the next question then pays for it.
func (one *asker) reconnect() bool {
	one.connection.Close()
	connection, err := net.Dial("tcp", one.connection.RemoteAddr().String())
	if err != nil {
		return one.fail(err.Error())
	}
	one.connection = connection
	one.reader.Reset(connection)
	return true
}

func (one *asker) fail(reason string) bool {
	one.report.Failed++
	one.report.Reason = reason
	return false
}

// counter finds a word in what comes in pieces.
type counter struct {
	word  []byte
	rest  []byte
	found int
}

func (it *counter) add(piece []byte) {
	if len(it.rest) > 0 {
		edge := append(it.rest, piece[:min(len(piece), len(it.word)-1)]...)
		it.found += bytes.Count(edge, it.word)
	}
	it.found += bytes.Count(piece, it.word)
	if keep := len(it.word) - 1; len(piece) >= keep {
		it.rest = append(it.rest[:0], piece[len(piece)-keep:]...)
	} else {
		it.rest = append(it.rest, piece...)
		it.rest = it.rest[max(0, len(it.rest)-keep):]
	}
}

func milliseconds(duration time.Duration) float64 {
	return float64(duration) / float64(time.Millisecond)
}
