package localaws

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/localaws/ses"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// SnapshotPath answers GET with a consistent copy of the data file, with key values and
// password hashes.
const SnapshotPath = "/_localaws/snapshot"

// serveAdmin answers requests outside AWS's APIs, for this machine only.
func (s *Server) serveAdmin(w http.ResponseWriter, r *http.Request) {
	switch {
	case !fromHere(r):
		refuseREST(w, r, &wire.Error{
			Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "Only clients on this machine may request this.",
		})
	case strings.HasPrefix(r.URL.Path, ses.InboxPath):
		s.mail.ServeInbox(w, r)
	case strings.HasPrefix(r.URL.Path, marketplace.Path+"/"):
		s.buyers.ServeHTTP(w, r)
	case r.URL.Path != SnapshotPath:
		s.admin.ServeHTTP(w, r)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "a snapshot must be requested with GET", http.StatusMethodNotAllowed)
	default:
		if err := s.serveSnapshot(w); err != nil {
			zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local AWS could not copy its data file")
			http.Error(w, "the data file could not be copied; the log says why", http.StatusInternalServerError)
		}
	}
}

// fromHere relies on ownHost for the Host header.
func fromHere(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// serveSnapshot copies to a file first: a slow client must not keep a transaction open.
func (s *Server) serveSnapshot(w http.ResponseWriter) error {
	file, err := os.CreateTemp("", "localaws-snapshot-*.db")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(file.Close(), os.Remove(file.Name())) }()
	size, err := s.db.WriteTo(file)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+DataFile+`"`)
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	_, _ = io.Copy(w, file) // if the client went away, nobody needs to know
	return nil
}
