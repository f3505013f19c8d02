package localaws

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/localaws/s3"
	"github.com/gatehouse-portal/gatehouse/localaws/ses"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Names of services, as in faults and counts.
type jsonService struct {
	name string
	wire.JSONService
}

type queryService struct {
	name string
	wire.QueryService
}

const (
	unknown = "Unknown"
	unnamed = "unknown"
)

// ServeHTTP answers the request, or fails it as the plan of faults says.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.ownHost(r) {
		s.serveOther(w, r)
		return
	}
	if mount := s.mountFor(r); mount != nil {
		mount.ServeHTTP(w, r)
		return
	}
	if r.URL.Path == ses.InboxPath || strings.HasPrefix(r.URL.Path, ses.InboxPath+"/") || strings.HasPrefix(r.URL.Path, marketplace.Path+"/") {
		s.serveAdmin(w, r)
		return
	}
	switch r.URL.Path {
	case "/_localaws/health":
		_, _ = w.Write([]byte("ok\n"))
	case faults.Path, faults.CountsPath, SnapshotPath:
		s.serveAdmin(w, r)
	default:
		s.faults.Serve(s.permitted(s.call(w, r), r), w, r)
	}
}

func (s *Server) mountFor(r *http.Request) http.Handler {
	for prefix, handler := range s.mounts {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return handler
		}
	}
	return nil
}

// call finds the operation and its handler by the target header, the credential scope,
// the form's API version or the path.
func (s *Server) call(w http.ResponseWriter, r *http.Request) faults.Call {
	cborService, cborOperation := wire.CBOROperation(r)
	switch signedFor := wire.CallerOf(r).Service; {
	case strings.Contains(r.URL.Path, "/_user_request_"):
		return faults.Call{
			Service: "execute-api", Operation: invoke,
			Handler: http.HandlerFunc(s.gateway.ServeData), Refuse: refuseREST,
		}
	case r.Header.Get("X-Amz-Target") != "":
		return s.jsonCall(r)
	case cborService != "":
		return s.cborCall(cborService, cborOperation)
	case signedFor == "s3":
		return faults.Call{Service: "s3", Operation: objectOperation(r), Handler: s.objects, Refuse: refuseS3}
	case signedFor == "ses":
		return faults.Call{Service: "ses", Operation: known(s.mail.Operation(r)), Handler: s.mail, Refuse: refuseREST}
	case signedFor == "apigateway":
		return faults.Call{
			Service: "apigateway", Operation: known(s.gateway.Operation(r)),
			Handler: http.HandlerFunc(s.gateway.ServeControl), Refuse: refuseREST,
		}
	case signedFor != "":
		return s.queryCall(w, r)
	case r.URL.Query().Has("X-Amz-Credential"):
		return presigned(r)
	}
	return faults.Call{
		Service: "cognito-idp", Operation: pageOperation(r),
		Handler: http.HandlerFunc(s.cognito.ServePages), Refuse: refusePage,
	}
}

// presigned refuses a request signed in its query string, in its service's error
// format.
func presigned(r *http.Request) faults.Call {
	call := faults.Call{Service: unnamed, Operation: unknown, Refuse: refusePage}
	scope := strings.Split(r.URL.Query().Get("X-Amz-Credential"), "/")
	service := ""
	if len(scope) == 5 {
		service = scope[3]
	}
	refusal := wire.NotImplemented("A signature in the query string")
	switch service {
	case "s3":
		call.Service, call.Refuse, refusal.Code = "s3", refuseS3, "NotImplemented"
	case "apigateway", "execute-api":
		call.Service, call.Refuse = service, refuseREST
	default:
		svc := wire.QueryService{Namespace: "https://localaws.invalid/"}
		call.Refuse = func(w http.ResponseWriter, r *http.Request, e *wire.Error) {
			svc.Operations = map[string]wire.QueryOperation{"": func(context.Context, url.Values) (any, error) { return nil, e }}
			svc.ServeHTTP(w, r)
		}
	}
	call.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { call.Refuse(w, r, refusal) })
	return call
}

func known(operation string) string {
	if operation == "" {
		return unknown
	}
	return operation
}

func (s *Server) jsonCall(r *http.Request) faults.Call {
	target, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	svc, ok := s.json[target]
	if !ok {
		svc = jsonService{unnamed, wire.JSONService{Target: target, Shape: "com.amazonaws." + strings.ToLower(target)}}
	}
	call := faults.Call{Service: svc.name, Operation: unknown, Handler: svc.JSONService}
	if _, ok := svc.Operations[operation]; ok {
		call.Operation = operation
	}
	call.Refuse = func(w http.ResponseWriter, r *http.Request, e *wire.Error) {
		svc.Operations = map[string]wire.Operation{
			operation: func(context.Context, []byte) (any, error) { return nil, e },
		}
		svc.ServeHTTP(w, r)
	}
	return call
}

func (s *Server) cborCall(service, operation string) faults.Call {
	svc, ok := s.cbor[service]
	if !ok {
		svc = jsonService{unnamed, wire.JSONService{Target: service, Shape: "com.amazonaws." + strings.ToLower(service)}}
	}
	call := faults.Call{Service: svc.name, Operation: unknown, Handler: wire.CBORService{JSONService: svc.JSONService}}
	if _, ok := svc.Operations[operation]; ok {
		call.Operation = operation
	}
	call.Refuse = func(w http.ResponseWriter, r *http.Request, e *wire.Error) {
		svc.Operations = map[string]wire.Operation{
			operation: func(context.Context, []byte) (any, error) { return nil, e },
		}
		wire.CBORService{JSONService: svc.JSONService}.ServeHTTP(w, r)
	}
	return call
}

func (s *Server) queryCall(w http.ResponseWriter, r *http.Request) faults.Call {
	r.Body = http.MaxBytesReader(w, r.Body, wire.MaxBody)
	if err := r.ParseForm(); err != nil {
		return faults.Call{Service: unnamed, Operation: unknown, Refuse: refusePage, Handler: http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "the form could not be read", http.StatusBadRequest)
			})}
	}
	version, operation := r.PostForm.Get("Version"), r.PostForm.Get("Action")
	svc, ok := s.query[version]
	if !ok {
		svc = queryService{unnamed, wire.QueryService{Version: version, Namespace: "https://localaws.invalid/"}}
	}
	call := faults.Call{Service: svc.name, Operation: unknown, Handler: svc.QueryService}
	if _, ok := svc.Operations[operation]; ok {
		call.Operation = operation
	}
	call.Refuse = func(w http.ResponseWriter, r *http.Request, e *wire.Error) {
		svc.Operations = map[string]wire.QueryOperation{
			operation: func(context.Context, url.Values) (any, error) { return nil, e },
		}
		svc.ServeHTTP(w, r)
	}
	return call
}

const invoke = "Invoke"

// pages are Cognito's pages, as paths without the pool.
var pages = []string{
	"/.well-known/openid-configuration", "/.well-known/jwks.json",
	"/oauth2/authorize", "/oauth2/token", "/oauth2/userInfo", "/oauth2/revoke",
	"/login", "/logout", "/signup",
}

func pageOperation(r *http.Request) string {
	path := r.URL.Path
	if i := strings.Index(path, "/.well-known/"); i >= 0 {
		path = path[i:]
	}
	if slices.Contains(pages, path) {
		return path
	}
	return unknown
}

var objectOperations = map[string]string{
	"GET": "ListBuckets", "PUT bucket": "CreateBucket", "HEAD bucket": "HeadBucket", "DELETE bucket": "DeleteBucket",
	"GET bucket list-type": "ListObjectsV2", "GET bucket location": "GetBucketLocation", "POST bucket delete": "DeleteObjects",
	"PUT key": "PutObject", "GET key": "GetObject", "HEAD key": "HeadObject", "DELETE key": "DeleteObject",
}

func objectOperation(r *http.Request) string {
	bucket, key := s3.Address(r)
	name := r.Method
	switch {
	case key != "":
		name += " key"
	case bucket != "":
		name += " bucket"
		for _, parameter := range []string{"list-type", "location", "delete"} {
			if r.URL.Query().Has(parameter) {
				name += " " + parameter
			}
		}
	}
	return known(objectOperations[name])
}

// operations are the names for fault rules. API Gateway's are not listed, so any is
// accepted.
func (s *Server) operations(handlers []string) faults.Operations {
	all := faults.Operations{
		"apigateway":  nil,
		"execute-api": {invoke},
		"s3":          slices.Collect(maps.Values(objectOperations)),
		"ses":         ses.Operations(),
	}
	for _, svc := range s.json {
		all[svc.name] = slices.Collect(maps.Keys(svc.Operations))
	}
	for _, svc := range s.query {
		all[svc.name] = slices.Collect(maps.Keys(svc.Operations))
	}
	if len(handlers) > 0 {
		all[faults.Handler] = handlers
	}
	all["cognito-idp"] = append(all["cognito-idp"], pages...)
	return all
}

func refuseREST(w http.ResponseWriter, _ *http.Request, e *wire.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Requestid", wire.NewUUID())
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(e.HTTPStatus())
	_ = json.NewEncoder(w).Encode(map[string]string{"message": e.Message})
}

func refuseS3(w http.ResponseWriter, _ *http.Request, e *wire.Error) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.HTTPStatus())
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: e.Code, Message: e.Message})
}

func refusePage(w http.ResponseWriter, _ *http.Request, e *wire.Error) {
	http.Error(w, e.Message, e.HTTPStatus())
}
