package apigateway

import (
	"net"
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Headers that API Gateway does not pass on (developer guide, "Amazon API Gateway important
// notes").
var (
	droppedFromCall = []string{
		"Connection", "Content-Length", "Content-Md5", "Expect", "Keep-Alive", "Max-Forwards", "Proxy-Authenticate",
		"Server", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "Www-Authenticate",
	}
	droppedFromAnswer = []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Trailer"}
	// remapped headers get the prefix x-amzn-Remapped-, because API Gateway sets its own.
	remapped = []string{"Content-Length", "Content-Md5", "Date", "Server", "Upgrade", "Www-Authenticate", "X-Amzn-Requestid"}
)

// backendHeader returns the headers for the backend. For HTTP_PROXY they include the API
// key, as on AWS.
func (inv invocation) backendHeader() http.Header {
	h := http.Header{}
	if inv.method.Integration.Type == "HTTP_PROXY" {
		h = inv.request.Header.Clone()
		for _, name := range droppedFromCall {
			h.Del(name)
		}
		inv.addForwarded(h)
	} else if contentType := inv.request.Header.Get("Content-Type"); contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if h.Get("Accept") == "" {
		h.Set("Accept", "application/json")
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "AmazonAPIGateway_"+inv.api)
	}
	h.Set("X-Amzn-Apigateway-Api-Id", inv.api)
	return h
}

func (inv invocation) addForwarded(h http.Header) {
	host, _, _ := net.SplitHostPort(inv.request.RemoteAddr)
	if before := h.Get("X-Forwarded-For"); before != "" {
		host = before + ", " + host
	}
	_, port, _ := net.SplitHostPort(inv.request.Host)
	h.Set("X-Forwarded-For", host)
	h.Set("X-Forwarded-Port", port)
	h.Set("X-Forwarded-Proto", "http")
}

func copyAnswerHeader(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
	for _, name := range droppedFromAnswer {
		to.Del(name)
	}
	for _, name := range remapped {
		if values := to.Values(name); len(values) > 0 {
			to["X-Amzn-Remapped-"+name] = values
			to.Del(name)
		}
	}
	to.Set("X-Amzn-Requestid", wire.NewUUID())
}
