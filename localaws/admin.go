package localaws

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strconv"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// SnapshotPath answers GET with a copy of the data file as it is at one moment, for a
// local AWS to be opened with. It holds everything, key values and passwords' hashes too.
const SnapshotPath = "/_localaws/snapshot"

// serveAdmin answers what is no part of AWS, to clients on this machine.
func (s *Server) serveAdmin(w http.ResponseWriter, r *http.Request) {
	switch {
	case !fromHere(r):
		refuseREST(w, r, &wire.Error{
			Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "Only clients on this machine may ask for that.",
		})
	case r.URL.Path != SnapshotPath:
		s.admin.ServeHTTP(w, r)
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "a snapshot is for GET", http.StatusMethodNotAllowed)
	default:
		if err := s.serveSnapshot(w); err != nil {
			zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local AWS could not copy its data file")
			http.Error(w, "the data file could not be copied; the log says why", http.StatusInternalServerError)
		}
	}
}

// fromHere reports whether the client is on this machine. The server has checked that the
// request also names this machine as its host.
func fromHere(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// serveSnapshot copies to a file first: a client that reads slowly must not hold up those
// who write.
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
	_, _ = io.Copy(w, file) // a client that went away has nobody to tell
	return nil
}
