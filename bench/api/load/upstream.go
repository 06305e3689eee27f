package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// token is in every token of an answer; the clients count it.
const token = " tide"

// Each second one says a little more: a gateway may take an answer that repeats itself for a model that is stuck.
var tokens = [...]string{token, token + ","}

const (
	shortTokens  = 8
	sliceBytes   = 64 * 1024
	promptTokens = 12
)

var models = []string{"short", "burst-20000", "paced-100-50", "hold"}

// held counts the streams that are open and silent.
var held atomic.Int64

type chatRequest struct {
	Model         string `json:"model"`
	Stream        bool   `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// serveUpstream answers OpenAI's API by hand, with bytes that are mostly made beforehand: it shall cost next to nothing.
func serveUpstream() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go serveConnection(connection)
	}
}

func serveConnection(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil || answer(connection, reader, request, body) != nil {
			return
		}
	}
}

func answer(connection net.Conn, reader *bufio.Reader, request *http.Request, body []byte) error {
	switch {
	case strings.HasSuffix(request.URL.Path, "/chat/completions"):
		var chat chatRequest
		if err := json.Unmarshal(body, &chat); err != nil {
			return writeJSON(connection, "400 Bad Request", errorOf("the body is no JSON"))
		}
		return answerChat(connection, reader, chat)
	case strings.HasSuffix(request.URL.Path, "/models"):
		return writeJSON(connection, "200 OK", modelList())
	case request.URL.Path == "/held":
		return writeJSON(connection, "200 OK", held.Load())
	}
	return writeJSON(connection, "404 Not Found", errorOf("there is nothing at "+request.URL.Path))
}

func answerChat(connection net.Conn, reader *bufio.Reader, chat chatRequest) error {
	count, rate := 0, 0
	switch {
	case chat.Model == "short":
		count = shortTokens
	case chat.Model == "hold":
		return hold(connection, reader, chat)
	default:
		if n, _ := fmt.Sscanf(chat.Model, "paced-%d-%d", &count, &rate); n == 2 && rate > 0 {
			break
		}
		if n, _ := fmt.Sscanf(chat.Model, "burst-%d", &count); n != 1 {
			return writeJSON(connection, "404 Not Found", errorOf("there is no model "+chat.Model))
		}
	}
	if !chat.Stream {
		time.Sleep(durationOf(count, rate))
		return writeJSON(connection, "200 OK", completion(chat.Model, count))
	}
	if rate > 0 {
		return pace(connection, chat, count, rate)
	}
	return writeSlices(connection, wholeStream(chat, count))
}

// The last token is count-1 steps behind the first.
func durationOf(count, rate int) time.Duration {
	if rate == 0 {
		return 0
	}
	return time.Duration(count-1) * time.Second / time.Duration(rate)
}

func pace(connection net.Conn, chat chatRequest, count, rate int) error {
	first := chunked(delta(chat.Model, `{"role":"assistant","content":""}`, "null"))
	if err := write(connection, streamHead, first); err != nil {
		return err
	}
	pieces := tokenPieces(chat.Model)
	begun := time.Now()
	for n := range count {
		time.Sleep(time.Until(begun.Add(durationOf(n+1, rate))))
		if err := write(connection, pieces[n%len(pieces)]); err != nil {
			return err
		}
	}
	return write(connection, streamEnd(chat, count))
}

// hold says one token and waits until the client leaves.
func hold(connection net.Conn, reader *bufio.Reader, chat chatRequest) error {
	first := chunked(delta(chat.Model, `{"role":"assistant","content":""}`, "null"))
	held.Add(1)
	defer held.Add(-1)
	if err := write(connection, streamHead, first, tokenPieces(chat.Model)[0]); err != nil {
		return err
	}
	_, err := reader.Peek(1)
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}

var streamHead = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n" +
	"Transfer-Encoding: chunked\r\n\r\n")

// wholeStream has each event in a chunk of its own, as if each had been written alone.
func wholeStream(chat chatRequest, count int) []byte {
	var whole bytes.Buffer
	whole.Write(streamHead)
	whole.Write(chunked(delta(chat.Model, `{"role":"assistant","content":""}`, "null")))
	pieces := tokenPieces(chat.Model)
	for n := range count {
		whole.Write(pieces[n%len(pieces)])
	}
	whole.Write(streamEnd(chat, count))
	return whole.Bytes()
}

func streamEnd(chat chatRequest, count int) []byte {
	var end bytes.Buffer
	end.Write(chunked(delta(chat.Model, `{}`, `"stop"`)))
	if chat.StreamOptions.IncludeUsage {
		end.Write(chunked(event(fmt.Sprintf(`{%s,"choices":[],"usage":%s}`, envelope(chat.Model, true), usage(count)))))
	}
	end.Write(chunked(event("[DONE]")))
	end.WriteString("0\r\n\r\n")
	return end.Bytes()
}

func tokenPieces(model string) (pieces [len(tokens)][]byte) {
	for n, text := range tokens {
		pieces[n] = chunked(delta(model, fmt.Sprintf(`{"content":"%s"}`, text), "null"))
	}
	return pieces
}

func delta(model, content, reason string) string {
	const format = `{%s,"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]}`
	return event(fmt.Sprintf(format, envelope(model, true), content, reason))
}

func event(data string) string { return "data: " + data + "\n\n" }

func chunked(text string) []byte { return fmt.Appendf(nil, "%x\r\n%s\r\n", len(text), text) }

func envelope(model string, chunk bool) string {
	object := "chat.completion"
	if chunk {
		object += ".chunk"
	}
	return fmt.Sprintf(`"id":"chatcmpl-bench","object":"%s","created":1760000000,"model":"%s"`, object, model)
}

func usage(count int) string {
	const format = `{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`
	return fmt.Sprintf(format, promptTokens, count, promptTokens+count)
}

func completion(model string, count int) json.RawMessage {
	const format = `{%s,"choices":[{"index":0,"message":{"role":"assistant","content":"%s"},"logprobs":null,"finish_reason":"stop"}],"usage":%s}`
	return fmt.Appendf(nil, format, envelope(model, false), strings.Repeat(token, count), usage(count))
}

func modelList() any {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int    `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	list := make([]model, len(models))
	for n, id := range models {
		list[n] = model{id, "model", 1760000000, "bench"}
	}
	return map[string]any{"object": "list", "data": list}
}

func errorOf(message string) any {
	return map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error"}}
}

func writeJSON(connection net.Conn, status string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	const head = "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	return write(connection, append(fmt.Appendf(nil, head, status, len(body)), body...))
}

func writeSlices(connection net.Conn, whole []byte) error {
	for len(whole) > 0 {
		size := min(len(whole), sliceBytes)
		if err := write(connection, whole[:size]); err != nil {
			return err
		}
		whole = whole[size:]
	}
	return nil
}

func write(connection net.Conn, pieces ...[]byte) error {
	_, err := connection.Write(bytes.Join(pieces, nil))
	return err
}
