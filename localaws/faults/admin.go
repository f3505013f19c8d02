package faults

import (
	"encoding/json"
	"net/http"
)

// The paths of Admin.
const (
	Path       = "/_localaws/faults"
	CountsPath = "/_localaws/counts"
)

// maxPlan is in bytes.
const maxPlan = 1 << 20

// Admin serves the plan as JSON at Path, by GET, PUT and DELETE, and the counts at CountsPath,
// by GET. The server must check the caller.
func (in *Injector) Admin(counts func() Counts) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, in.servePlan)
	mux.HandleFunc("PUT "+Path, in.putPlan)
	mux.HandleFunc("DELETE "+Path, func(w http.ResponseWriter, r *http.Request) {
		_ = in.Set(Plan{}) // a plan without rules is valid
		in.servePlan(w, r)
	})
	mux.HandleFunc("GET "+CountsPath, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, counts()) })
	return mux
}

func (in *Injector) servePlan(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, in.Plan())
}

func (in *Injector) putPlan(w http.ResponseWriter, r *http.Request) {
	var p Plan
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPlan))
	dec.DisallowUnknownFields()
	err := dec.Decode(&p)
	if err == nil {
		err = in.Set(p)
	}
	if err != nil {
		answer(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	in.servePlan(w, r)
}

type problem struct {
	Message string `json:"message"`
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(body)
}
