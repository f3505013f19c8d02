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

// ownHost reports whether the request names this server as its host: by an address of
// this machine, as localhost or a name below it (buckets are named there), or by the
// name that the server was told to listen at.
//
// A browser that visits a hostile site sends that site's name, even if the site has made
// the name point to this machine. Such a request must do nothing: the site's scripts can
// read the answer.
func (s *Server) ownHost(r *http.Request) bool {
	name := hostName(r.Host)
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().IsLoopback() || addr.Unmap() == localAddr(r)
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || name != "" && name == s.listensAt
}

// hostName is the host without its port, in the one form that names are compared in.
func hostName(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// localAddr is the address that the request's connection came in at.
func localAddr(r *http.Request) netip.Addr {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return addr.AddrPort().Addr().Unmap()
}

// serveOther serves a host that is not this server: a custom domain name of API Gateway's
// leads to the APIs behind it and to nothing else, and any other host is refused.
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

// refuseHost answers a request to a foreign host in the error shape of the service that
// it is for.
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
