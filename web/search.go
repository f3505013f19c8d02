package web

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/library"
)

// Numbers of results on the search page and below a search field.
const (
	maxResults   = 50
	maxSuggested = 8
)

type searchPage struct {
	Query    string
	Results  library.Results
	SignedIn bool
	SignIn   string
}

func (s *Web) search(w http.ResponseWriter, r *http.Request) error {
	body, err := s.searchPage(r, maxResults)
	if err != nil {
		return err
	}
	title := "Search"
	if body.Query != "" {
		title = body.Query + " · Search"
	}
	s.render(w, r, http.StatusOK, view{page: "search", Title: title, Body: body, Query: body.Query})
	return nil
}

func (s *Web) searchFragment(w http.ResponseWriter, r *http.Request) error {
	body, err := s.searchPage(r, maxSuggested)
	if err != nil {
		return err
	}
	s.execute(w, r, http.StatusOK, "search", "suggestions", body)
	return nil
}

func (s *Web) searchPage(r *http.Request, limit int) (searchPage, error) {
	body := searchPage{Query: searchedFor(r), SignedIn: signedIn(r), SignIn: signIn(here(r))}
	shelf, err := s.shelf(r)
	if err != nil || body.Query == "" {
		return body, err
	}
	body.Results, err = shelf.Search(r.Context(), body.Query, limit)
	return body, err
}
