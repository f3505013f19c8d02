package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"syscall"
)

// Failure is why no whole answer came.
type Failure string

// The failures.
const (
	// FailurePrivate: the host has an address that the portal does not call.
	FailurePrivate Failure = "private_address"
	FailureDNS     Failure = "dns"
	FailureRefused Failure = "refused"
	FailureTLS     Failure = "tls"
	FailureTimeout Failure = "timeout"
	// FailureNetwork: the connection broke, or the answer is not HTTP.
	FailureNetwork Failure = "network"
)

// FailureOf names the reason of a failed request, whose context is ctx.
func FailureOf(ctx context.Context, err error) Failure {
	var (
		inside  *PrivateError
		dns     *net.DNSError
		timeout net.Error
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &inside):
		return FailurePrivate
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return FailureTimeout
	case errors.As(err, &dns):
		return FailureDNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return FailureRefused
	case isTLS(err):
		return FailureTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return FailureTimeout
	}
	return FailureNetwork
}

func isTLS(err error) bool {
	var (
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	return errors.As(err, &record) || errors.As(err, &verify) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}
