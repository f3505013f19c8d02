package api

import (
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func exampleBanner() Banner {
	ends := exampleTime.Add(6 * time.Hour)
	return Banner{
		ID: "001795338000000-8k3c4d5e6f", State: "scheduled", Text: "The weather API is **maintained** tonight. [Follow the work](https://status.example.com).", Kind: "warning", Audience: "all",
		StartsAt: exampleTime.Add(5 * time.Hour), EndsAt: &ends, CreatedAt: exampleTime, By: exampleAccount, Version: 1,
	}
}

var (
	noBanner       = map[int]expected{http.StatusNotFound: {portal.NotFound, "There is no such banner.", "There is no such banner."}}
	badBanner      = map[int]expected{http.StatusBadRequest: {portal.Invalid, "The request cannot be read, or the banner is not allowed. The detail says what to change.", "The banner would end before it begins. Choose a later end, or none."}}
	tooManyBanners = map[int]expected{http.StatusConflict: {portal.Conflict, "There are 20 banners already that are shown or scheduled.", "There are 20 banners already that are shown or scheduled. End or delete one first."}}
	bannerConflict = map[int]expected{http.StatusConflict: {portal.Conflict, "The banner is over, or somebody has changed it since. The detail says which.", "Somebody has changed the banner since you read it. Look at it again."}}
	notBegun       = map[int]expected{http.StatusConflict: {portal.Conflict, "The banner has not begun.", "The banner has not begun. Delete it instead."}}
)
