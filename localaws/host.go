package localaws

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// ownHost reports whether the Host header names this server: an address of this machine,
// localhost or a subdomain of it (for buckets), or the host in Options.Addr.
//
// This stops DNS rebinding: a hostile site can point its name at this machine, so that
// its scripts could read responses, but the browser sends that name as the host.
func (s *Server) ownHost(r *http.Request) bool {
	name := hostName(r.Host)
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().IsLoopback() || addr.Unmap() == localAddr(r)
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || name != "" && name == s.listensAt
}

func hostName(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func localAddr(r *http.Request) netip.Addr {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return addr.AddrPort().Addr().Unmap()
}

// serveOther serves API Gateway's custom domain names, which reach only their APIs, and
// refuses all other hosts.
func (s *Server) serveOther(w http.ResponseWriter, r *http.Request) {
	host := hostName(r.Host)
	if !s.gateway.HasDomain(host) {
		s.refuseHost(w, r)
		return
	}
	s.faults.Serve(faults.Call{
		Service: "execute-api", Operation: invoke, Refuse: refuseREST,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.gateway.ServeDomain(w, r, host) }),
	}, w, r)
}

func (s *Server) refuseHost(w http.ResponseWriter, r *http.Request) {
	refusal := &wire.Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: fmt.Sprintf("This local AWS does not answer to the host %q. Use %s, or another name or address of this machine.",
			r.Host, s.Endpoint()),
	}
	if s.mountFor(r) != nil || strings.HasPrefix(r.URL.Path, "/_localaws/") {
		refuseREST(w, r, refusal)
		return
	}
	call := s.call(w, r)
	if call.Service == "s3" {
		refusal.Code = "AccessDenied"
	}
	call.Refuse(w, r, refusal)
}
