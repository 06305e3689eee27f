package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// serveProxy is the least that a proxy can be: bytes go through, each as soon as it came.
func serveProxy(target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(request *httputil.ProxyRequest) { request.SetURL(to) },
		FlushInterval: -1,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1000},
	}
	return http.Serve(listener, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		// Else the server closes the body when the answer begins, also while its end is still being passed on, and
		// that answer then breaks off.
		http.NewResponseController(response).EnableFullDuplex()
		proxy.ServeHTTP(response, request)
	}))
}
