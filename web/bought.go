package web

import (
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type boughtLine struct {
	Name         string
	Buyer        string
	Badge        badge
	Text         string
	Since, Until moment
	FreeTrial    bool
	Follow       portal.OperationID
	AWS          string
	Metered      metered
}

func (when times) bought(licences []projections.Licence) []boughtLine {
	var lines []boughtLine
	for _, l := range licences {
		line := boughtLine{
			Name: l.Name, Buyer: accountOfAWS(l.Buyer), Badge: licenceBadge(l.State), Text: projections.LicenceText(l.State),
			Since: when.moment(l.Since), FreeTrial: l.FreeTrial, Follow: l.Operation, AWS: subscriptionsOfAWS,
		}
		if l.State == projections.LicenceActive {
			line.Until = when.moment(l.Until)
		}
		lines = append(lines, line)
	}
	return lines
}

func licenceBadge(state string) badge {
	switch state {
	case projections.LicenceWaiting:
		return badge{"warn", "pause", "Waiting for AWS"}
	case projections.LicenceFailed:
		return badge{"bad", "cross", "Payment failed"}
	case projections.LicenceActive:
		return badge{"ok", "check", "Active"}
	case projections.LicenceEnding:
		return badge{"busy", "clock", "Ending"}
	}
	return badge{"quiet", "minus", "Ended"}
}
