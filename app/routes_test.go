package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/go-chi/chi/v5"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/demo"
)

// answers are the statuses of a route: for a request without a sign-in, for the owner of the
// key and operation that the route names, and for another person who has signed up. The other
// is an admin.
type answers struct{ anonymous, owner, other int }

func everybody(status int) answers { return answers{status, status, status} }

var byRoute = map[string]answers{
	"GET /healthz":                  everybody(http.StatusOK),
	"GET /assets/{name}":            everybody(http.StatusOK),
	"GET /favicon.ico":              everybody(http.StatusOK),
	"GET /robots.txt":               everybody(http.StatusOK),
	"GET /.well-known/security.txt": everybody(http.StatusOK),
	"GET /schemas/product.json":     everybody(http.StatusOK),
	"GET /problems/{code}":          everybody(http.StatusOK),
	"GET /sign-up":                  everybody(http.StatusSeeOther),
	"GET /sign-in":                  everybody(http.StatusSeeOther),
	"GET /sign-in/callback":         everybody(http.StatusBadRequest),
	"POST /sign-out":                everybody(http.StatusOK),

	"GET /api/v1/usage":                      {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"GET /api/v1/subscriptions/{plan}/usage": {http.StatusUnauthorized, http.StatusOK, http.StatusNotFound},

	"GET /api/v1/openapi.json":      everybody(http.StatusOK),
	"GET /api/v1/catalog":           everybody(http.StatusOK),
	"GET /api/v1/catalog/{product}": everybody(http.StatusOK),
	"GET /api/v1/search":            everybody(http.StatusUnprocessableEntity), // without a query
	// The demo's product has none of these; TestNobodyIsToldOfWhatTheyMayNotSee reads them.
	"GET /api/v1/catalog/{product}/image":                   everybody(http.StatusNotFound),
	"GET /api/v1/catalog/{product}/apis/{api}/openapi.json": everybody(http.StatusNotFound),
	"GET /api/v1/catalog/{product}/apis/{api}/openapi.yaml": everybody(http.StatusNotFound),
	"GET /api/v1/catalog/{product}/apis/{api}/postman.json": everybody(http.StatusNotFound),
	"GET /api/v1/catalog/{product}/apis/{api}/sdk/{type}":   everybody(http.StatusNotFound),
	"GET /api/v1/me":                      {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"POST /api/v1/register":               {http.StatusUnauthorized, http.StatusAccepted, http.StatusAccepted},
	"GET /api/v1/subscriptions":           {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"PUT /api/v1/subscriptions/{plan}":    {http.StatusUnauthorized, http.StatusAccepted, http.StatusAccepted},
	"DELETE /api/v1/subscriptions/{plan}": {http.StatusUnauthorized, http.StatusAccepted, http.StatusAccepted},
	"GET /api/v1/keys":                    {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"POST /api/v1/keys/{key}/reveal":      {http.StatusUnauthorized, http.StatusOK, http.StatusNotFound},
	"POST /api/v1/keys":                   {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a body
	"PATCH /api/v1/keys/{key}":            {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"POST /api/v1/keys/{key}/rotate":      {http.StatusUnauthorized, http.StatusAccepted, http.StatusNotFound},
	"POST /api/v1/keys/{key}/end":         {http.StatusUnauthorized, http.StatusAccepted, http.StatusNotFound},
	"DELETE /api/v1/keys/{key}":           {http.StatusUnauthorized, http.StatusAccepted, http.StatusNotFound},
	"GET /api/v1/operations/{operation}":  {http.StatusUnauthorized, http.StatusOK, http.StatusNotFound},
	"POST /api/v1/try/{product}/{api}":    everybody(http.StatusBadRequest), // these requests have no body

	// Nothing waits for approval.
	"GET /api/v1/admin/approvals":                           {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"POST /api/v1/admin/approvals/{account}/{plan}/approve": {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/approvals/{account}/{plan}/deny":    {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a body

	"GET /api/v1/notices":                                     {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"POST /api/v1/notices/{notice}/dismiss":                   {http.StatusUnauthorized, http.StatusOK, http.StatusNotFound},
	"GET /api/v1/notices/{notice}/deliveries":                 {http.StatusUnauthorized, http.StatusOK, http.StatusNotFound},
	"POST /api/v1/notices/{notice}/deliveries/mail/redeliver": {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"GET /api/v1/account/settings":                            {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"PUT /api/v1/account/settings":                            {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // these requests have no body
	"GET /api/v1/webhooks":                                    {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"POST /api/v1/webhooks":                                   {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"PATCH /api/v1/webhooks/{webhook}":                        {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	// Nobody has a webhook here.
	"DELETE /api/v1/webhooks/{webhook}":                             {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/rotate-secret":                 {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/test":                          {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"GET /api/v1/webhooks/{webhook}/deliveries":                     {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/deliveries/{notice}/redeliver": {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /api/v1/webhooks/{webhook}/redeliver":                     {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},

	"GET /api/v1/account/sessions":              {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"DELETE /api/v1/account/sessions/{session}": {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"DELETE /api/v1/account/sessions":           {http.StatusUnauthorized, http.StatusNoContent, http.StatusNoContent},
	"GET /api/v1/account/export":                {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	// The owner asks for it at the very end; the other is an admin, and admins cannot.
	"DELETE /api/v1/account":                             {http.StatusUnauthorized, http.StatusAccepted, http.StatusConflict},
	"POST /api/v1/feedback":                              {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a body
	"GET /api/v1/admin/accounts":                         {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/accounts/{account}/usage":         {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /api/v1/admin/accounts/{account}":               {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/suspend":      {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"POST /api/v1/admin/accounts/{account}/reinstate":    {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"DELETE /api/v1/admin/accounts/{account}":            {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/promote":      {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/demote":       {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /api/v1/admin/registrations":                    {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"POST /api/v1/admin/registrations/{account}/approve": {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/registrations/{account}/deny":    {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"GET /api/v1/admin/invitations":                      {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"POST /api/v1/admin/invitations":                     {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"POST /api/v1/admin/invitation-batches":              {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"POST /api/v1/admin/invitations/{invitation}/resend": {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"DELETE /api/v1/admin/invitations/{invitation}":      {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"PUT /api/v1/admin/feedback/{feedback}/done":         {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"DELETE /api/v1/admin/feedback/{feedback}/done":      {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /api/v1/admin/feedback":                         {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/products":                         {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"POST /api/v1/admin/catalog-syncs":                   {http.StatusUnauthorized, http.StatusForbidden, http.StatusAccepted},
	"GET /api/v1/admin/usage":                            {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/overview":                         {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/dead-letters":                     {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/dead-letters/{letter}":            {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/dead-letter-replays":             {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a body
	"POST /api/v1/admin/dead-letter-discards":            {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"GET /admin":                                    {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"GET /admin/dead-letters":                       {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/dead-letters":                      {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, // without a verb
	"GET /admin/dead-letters/{letter}":              {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/confirm-dead-letters":               {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/approvals":                          {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/approvals":                         {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, // without a verb
	"GET /admin/approvals/confirm":                  {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/approvals/answers":                  {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/usage":                              {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"GET /admin/products":                           {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/products/sync":                     {http.StatusUnauthorized, http.StatusForbidden, http.StatusSeeOther},
	"POST /admin/products/view":                     {http.StatusUnauthorized, http.StatusForbidden, http.StatusSeeOther},
	"GET /admin/invitations":                        {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/invitations":                       {http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest}, // without an address
	"POST /admin/invitations/{invitation}/resend":   {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/invitations/{invitation}/remove":   {http.StatusUnauthorized, http.StatusForbidden, http.StatusSeeOther},
	"GET /admin/feedback":                           {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/feedback/{feedback}/done":          {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/feedback/{feedback}/reopen":        {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/accounts":                           {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"GET /admin/accounts/{account}":                 {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/accounts/{account}/view":           {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/stop-viewing":                      {http.StatusUnauthorized, http.StatusForbidden, http.StatusSeeOther},
	"POST /api/v1/admin/accounts/{account}/view":    {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"DELETE /api/v1/admin/accounts/{account}/view":  {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/accounts/{account}/suspend":         {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/accounts/{account}/suspend":        {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/accounts/{account}/reinstate":       {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/accounts/{account}/reinstate":      {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/audit":                              {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"GET /admin/operations/{operation}":             {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/operations/{operation}":      {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/audit":                       {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /admin/accounts/{account}/promote":         {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/accounts/{account}/promote":        {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/accounts/{account}/demote":          {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/accounts/{account}/demote":         {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/accounts/{account}/delete":          {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/accounts/{account}/delete":         {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/accounts/{account}/notes":          {http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest}, // without a text
	"GET /api/v1/admin/accounts/{account}/notes":    {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/accounts/{account}/notes":   {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a body
	"GET /api/v1/admin/accounts/{account}/export":   {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /api/v1/admin/accounts/{account}/history":  {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/accounts/{account}/history":         {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"GET /api/v1/admin/drift":                       {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"POST /api/v1/admin/drift/compare":              {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/banners":                     {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"POST /api/v1/admin/banners":                    {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a body
	"GET /api/v1/admin/banners/{banner}":            {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"PUT /api/v1/admin/banners/{banner}":            {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"POST /api/v1/admin/banners/{banner}/end":       {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"DELETE /api/v1/admin/banners/{banner}":         {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/banners":                            {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/banners":                           {http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest}, // without a text
	"GET /admin/new-banner":                         {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/banner-preview":                    {http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest},
	"GET /admin/banners/{banner}":                   {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/banners/{banner}":                  {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/banners/{banner}/end":               {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/banners/{banner}/end":              {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/banners/{banner}/delete":            {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/banners/{banner}/delete":           {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /api/v1/admin/licences":                    {http.StatusUnauthorized, http.StatusForbidden, http.StatusOK},
	"GET /api/v1/admin/licences/{licence}":          {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /api/v1/admin/licences/{licence}/records":  {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"POST /api/v1/admin/licence-reconciliations":    {http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict},    // nothing is sold here
	"POST /api/v1/admin/licences/{licence}/resend":  {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a body
	"POST /api/v1/admin/licences/{licence}/correct": {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"GET /admin/licences":                           {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"GET /admin/licences/reconcile":                 {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/licences/reconcile":                {http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict},
	"GET /admin/licences/{licence}":                 {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/licences/{licence}/resend":          {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/licences/{licence}/resend":         {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/licences/{licence}/correct":         {http.StatusSeeOther, http.StatusForbidden, http.StatusNotFound},
	"POST /admin/licences/{licence}/correct":        {http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound},
	"GET /admin/drift":                              {http.StatusSeeOther, http.StatusForbidden, http.StatusOK},
	"POST /admin/drift":                             {http.StatusUnauthorized, http.StatusForbidden, http.StatusSeeOther},

	"GET /account/deleted":                 {http.StatusOK, http.StatusOK, http.StatusOK},
	"GET /account":                         {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"POST /account/time-zone":              {http.StatusUnauthorized, http.StatusSeeOther, http.StatusSeeOther},
	"POST /account/sessions/{session}/end": {http.StatusUnauthorized, http.StatusSeeOther, http.StatusSeeOther},
	"POST /account/sessions/end":           {http.StatusUnauthorized, http.StatusSeeOther, http.StatusSeeOther},
	"POST /account/delete":                 {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without the confirmation
	"GET /feedback":                        {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"POST /feedback":                       {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},

	"GET /":                                everybody(http.StatusOK),
	"GET /apis":                            everybody(http.StatusOK),
	"GET /apis/{product}":                  everybody(http.StatusOK),
	"GET /apis/{product}/fragment":         {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"GET /usage":                           {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"GET /activity":                        {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"GET /dashboard":                       {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"GET /dashboard/fragment":              {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	"GET /operations/{operation}":          {http.StatusSeeOther, http.StatusOK, http.StatusNotFound},
	"GET /operations/{operation}/fragment": {http.StatusUnauthorized, http.StatusOK, http.StatusNotFound},
	"POST /register":                       {http.StatusUnauthorized, http.StatusSeeOther, http.StatusSeeOther},
	"POST /subscriptions/{plan}":           {http.StatusUnauthorized, http.StatusSeeOther, http.StatusSeeOther},
	"POST /subscriptions/{plan}/leave":     {http.StatusUnauthorized, http.StatusSeeOther, http.StatusSeeOther},
	"GET /subscriptions/{plan}/change":     {http.StatusSeeOther, http.StatusSeeOther, http.StatusSeeOther},
	"POST /subscriptions/{plan}/change":    {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound}, // without a plan to replace
	"GET /keys":                            {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"POST /keys":                           {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without a name
	"GET /keys/{key}":                      {http.StatusSeeOther, http.StatusOK, http.StatusNotFound},
	"POST /keys/{key}/rename":              {http.StatusUnauthorized, http.StatusBadRequest, http.StatusNotFound},
	"POST /keys/{key}/rotate":              {http.StatusUnauthorized, http.StatusBadRequest, http.StatusNotFound}, // without an overlap
	"POST /keys/{key}/leaked":              {http.StatusUnauthorized, http.StatusSeeOther, http.StatusNotFound},
	"POST /keys/{key}/end":                 {http.StatusUnauthorized, http.StatusSeeOther, http.StatusNotFound},
	"POST /keys/{key}/revoke":              {http.StatusUnauthorized, http.StatusBadRequest, http.StatusNotFound}, // without the name
	"POST /keys/{key}/reveal":              {http.StatusUnauthorized, http.StatusOK, http.StatusNotFound},

	"GET /account/notices":                                   {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"POST /account/notices":                                  {http.StatusUnauthorized, http.StatusSeeOther, http.StatusSeeOther},
	"POST /notices/{notice}/dismiss":                         {http.StatusUnauthorized, http.StatusSeeOther, http.StatusNotFound},
	"POST /notices/{notice}/mail":                            {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"GET /webhooks":                                          {http.StatusSeeOther, http.StatusOK, http.StatusOK},
	"POST /webhooks":                                         {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest}, // without an address
	"GET /webhooks/{webhook}":                                {http.StatusSeeOther, http.StatusNotFound, http.StatusNotFound},
	"POST /webhooks/{webhook}":                               {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /webhooks/{webhook}/delete":                        {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /webhooks/{webhook}/test":                          {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /webhooks/{webhook}/rotate-secret":                 {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /webhooks/{webhook}/redeliver":                     {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},
	"POST /webhooks/{webhook}/deliveries/{notice}/redeliver": {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},

	"GET /branding.{hash}.css":    everybody(http.StatusOK),
	"GET /branding/{file}":        everybody(http.StatusOK),
	"GET /schemas/branding.json":  everybody(http.StatusOK),
	"GET /apis/{product}/files/*": everybody(http.StatusNotFound),
	"GET /sitemap.xml":            everybody(http.StatusOK),
	"GET /sitemaps/{number}.xml":  everybody(http.StatusOK),
	"GET /llms.txt":               everybody(http.StatusOK),
	"GET /llms-full.txt":          everybody(http.StatusOK),

	"POST /mcp": everybody(http.StatusUnsupportedMediaType), // without a body

	"GET /api/v1/marketplace-subscriptions": {http.StatusUnauthorized, http.StatusOK, http.StatusOK},
	// These have no registration token.
	"PUT /api/v1/marketplace-subscriptions/{plan}": {http.StatusUnauthorized, http.StatusBadRequest, http.StatusBadRequest},
	"POST /marketplace-confirm/{target}":           everybody(http.StatusUnsupportedMediaType),
	"GET /marketplace-confirm/{target}":            everybody(http.StatusSeeOther),
	"GET /marketplace":                             everybody(http.StatusOK),
	"POST /marketplace/confirm":                    {http.StatusUnauthorized, http.StatusNotFound, http.StatusNotFound},

	// The demo has no catalog folder.
	`GET /pages/{page:.+\.md}`:                                     everybody(http.StatusNotFound),
	`GET /apis/{product:.+\.md}`:                                   everybody(http.StatusOK),
	`GET /apis/{product}/{part:changelog\.md|plans\.md}`:           everybody(http.StatusOK),
	`GET /apis/{product}/pages/{page:.+\.md}`:                      everybody(http.StatusNotFound),
	`GET /apis/{product}/docs/{api:.+\.md}`:                        everybody(http.StatusNotFound),
	`GET /apis/{product}/docs/{api}/operations/{operation:.+\.md}`: everybody(http.StatusNotFound),
	`GET /apis/{product}/docs/{api}/tags/{tag:.+\.md}`:             everybody(http.StatusNotFound),
	`GET /apis/{product}/docs/{api}/schemas/{schema:.+\.md}`:       everybody(http.StatusNotFound),
	"GET /pages/{page}":                                            everybody(http.StatusNotFound),
	"GET /pages/files/*":                                           everybody(http.StatusNotFound),

	"GET /apis/{product}/plans":                                  everybody(http.StatusOK),
	"GET /search":                                                everybody(http.StatusOK),
	"GET /search/fragment":                                       everybody(http.StatusOK),
	"GET /apis/{product}/changelog":                              everybody(http.StatusNotFound),
	"GET /apis/{product}/docs":                                   everybody(http.StatusFound),
	"GET /apis/{product}/docs/{api}":                             everybody(http.StatusNotFound),
	"GET /apis/{product}/docs/{api}/operations/{operation}":      everybody(http.StatusNotFound),
	"GET /apis/{product}/docs/{api}/schemas/{schema}":            everybody(http.StatusNotFound),
	"GET /apis/{product}/docs/{api}/tags/{tag}":                  everybody(http.StatusNotFound),
	"GET /apis/{product}/pages/{page}":                           everybody(http.StatusNotFound),
	"POST /apis/{product}/docs/{api}/operations/{operation}/try": everybody(http.StatusNotFound),
}

// door is a portal with people and things that belong to them.
type door struct {
	t       *testing.T
	portal  *Portal
	aws     aws.Config
	base    string
	calls   *atomic.Int64 // of AWS
	ids     map[string]string
	owner   string // token
	session *http.Cookie
	other   string // token
}

// openDoor sets up a portal with the demo, and runs a worker. The portal has no listener, so
// that a test can inspect its router.
func openDoor(t *testing.T, vars ...string) *door {
	t.Helper()
	look := lookFolder(t)
	return openDoorOf(t, testProcess(t, append([]string{"GATEHOUSE_SECURITY_CONTACT=security@example.com", "GATEHOUSE_BRANDING=" + look}, vars...)...))
}

func openDoorOf(t *testing.T, p Process) *door {
	t.Helper()
	p.PollWait = time.Second
	working(t, p)
	installed, endpoint := installDemo(t, p), aws.ToString(p.AWS.BaseEndpoint)
	p.Config.OIDCIssuer, p.Config.OIDCClientID = endpoint+"/"+installed.PoolID, installed.ClientID
	p.Config.OIDCSignUpURL, p.Config.OIDCSignOutURL = endpoint+"/signup", endpoint+"/logout?client_id={client_id}&logout_uri={return_url}"
	d := &door{t: t, aws: p.AWS, base: p.Config.BaseURL, calls: &atomic.Int64{}, ids: map[string]string{
		"code": "conflict", "api": "main", "type": "java", "number": "1", "part": "plans", "page": "getting-started", "session": "s-1", "account": "nobody", "invitation": "i-1", "feedback": "f-1", "letter": "none", "licence": "l-none", "banner": "none", "*": "a.png", "tag": "tides", "schema": "Tide", "webhook": "w1", "target": "seamark",
	}}

	served := p
	served.AWS.HTTPClient, served.Metrics = counted{d.calls}, NewMetrics("api")
	var err error
	d.portal, err = NewPortal(t.Context(), served)
	ok(t, err)
	t.Cleanup(func() { ok(t, d.portal.Close()) })

	d.owner, d.other = d.token(p, installed, demo.Accounts[0]), d.token(p, installed, demo.Accounts[1])
	d.succeed(d.other, http.MethodPost, "/api/v1/register")
	d.succeed(d.owner, http.MethodPost, "/api/v1/register")
	d.ids["plan"], d.ids["sold"] = installed.FreePlanID, installed.ProPlanID
	eventually(t, "the demo is offered", func() bool {
		d.ids["product"] = d.field("", "/api/v1/catalog", "items", "id")
		return d.ids["product"] != ""
	})
	d.ids["operation"] = d.succeed(d.owner, http.MethodPut, "/api/v1/subscriptions/"+d.ids["plan"])
	d.ids["key"] = d.field(d.owner, "/api/v1/keys", "items", "id")
	eventually(t, "the owner has a notice", func() bool {
		d.ids["notice"] = d.field(d.owner, "/api/v1/notices", "items", "id")
		return d.ids["notice"] != ""
	})
	page := d.ask(http.MethodGet, "/", nil).Body.String()
	d.ids["hash"], d.ids["file"] = between(page, "/branding.", ".css"), between(page, "/branding/", `"`)
	d.ids["name"] = regexp.MustCompile(`portal\.[0-9a-f]+\.css`).FindString(page)
	return d
}

type counted struct{ calls *atomic.Int64 }

func (c counted) Do(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return http.DefaultClient.Do(r)
}

func (d *door) token(p Process, installed installedDemo, account demo.Account) string {
	d.t.Helper()
	out, err := cognitoidentityprovider.NewFromConfig(p.AWS).InitiateAuth(d.t.Context(), &cognitoidentityprovider.InitiateAuthInput{
		ClientId: &installed.ClientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": account.Email, "PASSWORD": account.Password},
	})
	ok(d.t, err)
	return aws.ToString(out.AuthenticationResult.IdToken)
}

// signIn signs the owner in on the identity provider's page and keeps the session.
func (d *door) signIn() { d.t.Helper(); d.session = d.sessionOf(demo.Accounts[0]) }

// sessionOf signs a person in on the identity provider's page and returns the cookie of the session.
func (d *door) sessionOf(person demo.Account) *http.Cookie {
	d.t.Helper()
	began := d.ask(http.MethodGet, "/sign-in", nil)
	jar, err := cookiejar.New(nil)
	ok(d.t, err)
	client := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), d.base) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := client.Do(d.request(http.MethodGet, began.Header().Get("Location"), nil))
	ok(d.t, err)
	defer page.Body.Close()
	doc, err := goquery.NewDocumentFromReader(page.Body)
	ok(d.t, err)
	form := url.Values{}
	doc.Find("form input[name]").Each(func(_ int, input *goquery.Selection) {
		form.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	})
	form.Set("username", person.Email)
	form.Set("password", person.Password)
	action, err := page.Request.URL.Parse(doc.Find("form").Has("input[type=password]").AttrOr("action", ""))
	ok(d.t, err)
	post := d.request(http.MethodPost, action.String(), strings.NewReader(form.Encode()))
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Origin", action.Scheme+"://"+action.Host)
	done, err := client.Do(post)
	ok(d.t, err)
	defer done.Body.Close()
	back, err := done.Location()
	ok(d.t, err)
	finished := d.ask(http.MethodGet, back.RequestURI(), func(r *http.Request) { r.AddCookie(began.Result().Cookies()[0]) })
	for _, c := range finished.Result().Cookies() {
		if strings.HasPrefix(c.Name, "gatehouse_session_") {
			return c
		}
	}
	d.t.Fatalf("no session is opened: %d %s", finished.Code, finished.Body)
	return nil
}

func (d *door) request(method, target string, body io.Reader) *http.Request {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, target, body)
	ok(d.t, err)
	return r
}

// ask sends a request to the portal; dress adds to the request.
func (d *door) ask(method, path string, dress func(*http.Request)) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, d.base+path, nil)
	if dress != nil {
		dress(r)
	}
	w := httptest.NewRecorder()
	d.portal.ServeHTTP(w, r)
	return w
}

// send sends a request with a JSON body.
func (d *door) send(token, method, path, body string) *httptest.ResponseRecorder {
	d.t.Helper()
	return d.ask(method, path, func(r *http.Request) {
		bearer(token)(r)
		r.Header.Set("Content-Type", "application/json")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	})
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) {
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	}
}

// bySession adds the owner's session and the headers that a browser sends from that site.
func (d *door) bySession(site string) func(*http.Request) {
	return func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: d.session.Name, Value: d.session.Value})
		r.Header.Set("Sec-Fetch-Site", site)
	}
}

// field returns a member of the answer's first item, "" if there is none.
func (d *door) field(token, path, list, name string) string {
	d.t.Helper()
	var body map[string][]map[string]any
	_ = json.Unmarshal(d.ask(http.MethodGet, path, bearer(token)).Body.Bytes(), &body)
	if len(body[list]) == 0 {
		return ""
	}
	return fmt.Sprint(body[list][0][name])
}

func (d *door) succeed(token, method, path string) string {
	d.t.Helper()
	var operation struct{ ID, Status string }
	w := d.ask(method, path, bearer(token))
	if err := json.Unmarshal(w.Body.Bytes(), &operation); err != nil || w.Code != http.StatusAccepted {
		d.t.Fatalf("%s %s is answered %d %s", method, path, w.Code, w.Body)
	}
	eventually(d.t, method+" "+path+" succeeds", func() bool {
		_ = json.Unmarshal(d.ask(http.MethodGet, "/api/v1/operations/"+operation.ID, bearer(token)).Body.Bytes(), &operation)
		return operation.Status == "succeeded"
	})
	return operation.ID
}

func (d *door) routes() map[string][]string {
	d.t.Helper()
	found := map[string][]string{}
	err := chi.Walk(d.portal.Handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		found[route] = append(found[route], method)
		return nil
	})
	ok(d.t, err)
	return found
}

// parameter is a variable of a route, with its pattern if it has one.
var parameter = regexp.MustCompile(`\{(\w+)(:[^}]*)?\}`)

// path fills a route with ids that exist, or with unknown ones for the names in unknown.
func (d *door) path(route string, unknown ...string) string {
	return parameter.ReplaceAllStringFunc(route, func(found string) string {
		name, pattern, _ := strings.Cut(strings.Trim(found, "{}"), ":")
		suffix := ""
		if strings.Contains(pattern, `\.md`) {
			suffix = ".md"
		}
		if slices.Contains(unknown, name) {
			return "01unknown" + suffix
		}
		return d.ids[name] + suffix
	})
}

var requestIDInBody = regexp.MustCompile(`[0-9a-hjkmnp-tv-z]{26}`)

func TestEveryRouteAnswersWithTheListedStatus(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	d.signIn()
	routes := d.routes()
	var served []string
	for path, methods := range routes {
		for _, method := range methods {
			if method != http.MethodHead {
				served = append(served, method+" "+path)
			}
		}
	}
	slices.Sort(served)
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(byRoute)), served); diff != "" {
		t.Fatalf("what is in the table and what is served (-table +router):\n%s", diff)
	}
	// Requests that end the key come late, and signing out last, since it ends the session.
	slices.SortStableFunc(served, func(a, b string) int {
		return cmp.Compare(lateness(a), lateness(b))
	})
	const last = "DELETE /api/v1/account" // after which the owner is another account
	for _, route := range served {
		if route == last {
			continue
		}
		method, pattern, _ := strings.Cut(route, " ")
		path, want := d.path(pattern), byRoute[route]
		session := want.owner
		if route == "GET /sign-in/callback" {
			session = http.StatusSeeOther // a browser that is signed in is taken on
		}
		for _, c := range []struct {
			who   string
			dress func(*http.Request)
			want  int
		}{
			{"nobody", nil, want.anonymous},
			{"the owner", bearer(d.owner), want.owner},
			{"the owner's browser", d.bySession("same-origin"), session},
			{"another", bearer(d.other), want.other},
		} {
			if c.who == "the owner's browser" && strings.Contains(route, "/sessions") {
				d.signIn() // the owner has just signed out everywhere
			}
			if w := d.ask(method, path, c.dress); w.Code != c.want {
				t.Errorf("%s is answered %d for %s, want %d: %.200s", route, w.Code, c.who, c.want, w.Body)
			}
		}
		if method != http.MethodGet {
			refused := http.StatusForbidden
			if route == "POST /marketplace-confirm/{target}" {
				refused = want.anonymous // AWS Marketplace sends buyers with a form
			}
			if w := d.ask(method, path, d.bySession("cross-site")); w.Code != refused {
				t.Errorf("%s is answered %d for another site, want %d", route, w.Code, refused)
			}
		}
		if want.other == http.StatusNotFound && want.owner != http.StatusNotFound {
			d.looksUnknown(method, pattern)
		}
		if method != http.MethodGet && strings.Contains(route, "/sessions") {
			d.signIn()
		}
	}
	for path, methods := range routes {
		d.takesOnly(path, methods)
	}
	for token, want := range map[string]int{"": byRoute[last].anonymous, d.other: byRoute[last].other, d.owner: byRoute[last].owner} {
		if w := d.ask(http.MethodDelete, "/api/v1/account", bearer(token)); w.Code != want {
			t.Errorf("%s is answered %d, want %d: %s", last, w.Code, want, w.Body)
		}
	}
}

// lateness orders the routes.
func lateness(route string) int {
	switch {
	case strings.Contains(route, "/sign-out"):
		return 2
	case slices.ContainsFunc([]string{"DELETE /api/v1/keys", "/rotate", "/leaked", "/end"}, func(part string) bool { return strings.Contains(route, part) }):
		return 1
	}
	return 0
}

// looksUnknown checks that another person's things are answered as if they did not exist.
func (d *door) looksUnknown(method, pattern string) {
	d.t.Helper()
	answer := func(path string) string {
		body := d.ask(method, path, bearer(d.other)).Body.String()
		return requestIDInBody.ReplaceAllString(strings.ReplaceAll(body, path, "PATH"), "ID")
	}
	if diff := gocmp.Diff(answer(d.path(pattern)), strings.ReplaceAll(answer(d.path(pattern, "key", "operation")), "01unknown", "ID")); diff != "" {
		d.t.Errorf("%s %s: somebody else's and an unknown one differ:\n%s", method, pattern, diff)
	}
}

// takesOnly checks that all other methods are refused, and that HEAD works wherever GET does.
func (d *door) takesOnly(pattern string, methods []string) {
	d.t.Helper()
	path, head := d.path(pattern), slices.Contains(methods, http.MethodGet)
	if head {
		get, got := d.ask(http.MethodGet, path, bearer(d.owner)).Code, d.ask(http.MethodHead, path, bearer(d.owner)).Code
		if get != got && pattern != "/sign-in/callback" { // which HEAD does not finish
			d.t.Errorf("HEAD %s is answered %d, and GET %d", pattern, got, get)
		}
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
		if slices.Contains(methods, method) || (method == http.MethodHead && head) {
			continue
		}
		w := d.ask(method, path, bearer(d.owner))
		if w.Code != http.StatusMethodNotAllowed {
			d.t.Errorf("%s %s is answered %d, want 405", method, pattern, w.Code)
		}
		for _, allowed := range methods {
			if !strings.Contains(w.Header().Get("Allow"), allowed) {
				d.t.Errorf("%s %s: Allow is %q, want %s in it", method, pattern, w.Header().Get("Allow"), allowed)
			}
		}
	}
}

func TestEveryRouteSetsTheListedHeaders(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "GATEHOUSE_CORS_ORIGINS=https://app.example.com")
	asked := map[string]*httptest.ResponseRecorder{}
	session := d.sessionName()
	for pattern, methods := range d.routes() {
		for _, method := range methods {
			for who, dress := range map[string]func(*http.Request){"nobody": nil, "the owner": bearer(d.owner)} {
				route := fmt.Sprintf("%s %s for %s", method, pattern, who)
				asked[route] = d.ask(method, d.path(pattern), func(r *http.Request) {
					// An answer that caches may give to others must not clear an ended session.
					r.AddCookie(&http.Cookie{Name: session, Value: strings.Repeat("A", 43)})
					if dress != nil {
						dress(r)
					}
				})
			}
		}
	}
	for _, path := range []string{"/nothing", "/assets/nothing", "/api/v1/nothing", "/problems/nothing"} {
		asked["GET "+path] = d.ask(http.MethodGet, path, nil)
	}
	for route, w := range asked {
		h := w.Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		} {
			if got := strings.Join(h.Values(name), "|"); got != want {
				t.Errorf("%s: %s is %q, want %q", route, name, got, want)
			}
		}
		referrer := "same-origin"
		if strings.Contains(route, "/sign-in/callback") {
			referrer = "no-referrer"
		}
		if got := strings.Join(h.Values("Referrer-Policy"), "|"); got != referrer {
			t.Errorf("%s: Referrer-Policy is %q, want %q", route, got, referrer)
		}
		policy := "default-src 'none'; frame-ancestors 'none'"
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") && w.Code != http.StatusSeeOther {
			policy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
		}
		if got := h.Get("Content-Security-Policy"); got != policy && w.Code != http.StatusSeeOther {
			t.Errorf("%s: Content-Security-Policy is %q, want %q", route, got, policy)
		}
		if got := h.Get("Strict-Transport-Security"); got != "" {
			t.Errorf("%s: without TLS Strict-Transport-Security is %q", route, got)
		}
		if got := h.Get("X-Request-Id"); got == "" {
			t.Errorf("%s: there is no request id", route)
		}
		d.checkCaching(route, w)
	}
}

// checkCaching checks that caches may keep only answers that are the same for everybody.
func (d *door) checkCaching(route string, w *httptest.ResponseRecorder) {
	cache, set := w.Header().Get("Cache-Control"), w.Header().Values("Set-Cookie")
	private := strings.Contains(cache, "no-store")
	public := strings.Contains(cache, "public")
	switch {
	case !private && !public && cache != "no-cache":
		d.t.Errorf("%s: Cache-Control is %q, which leaves it to caches", route, cache)
	case !private && len(set) > 0:
		d.t.Errorf("%s: Cache-Control is %q and cookies are set: %v", route, cache, set)
	case len(set) > 0 && !strings.Contains(route, " /sign-in for") && !strings.Contains(route, " /sign-out for"):
		d.t.Errorf("%s: cookies are set: %v", route, set)
	case strings.Contains(route, "for the owner") && !private && !public && !strings.Contains(route, "/problems/"):
		d.t.Errorf("%s: Cache-Control is %q, and the owner is signed in", route, cache)
	case strings.Contains(w.Body.String(), demo.Accounts[0].Email) && !private:
		d.t.Errorf("%s: Cache-Control is %q, and the page has the owner's address", route, cache)
	}
	vary := strings.Join(w.Header().Values("Vary"), ", ")
	if cache == "no-cache" && !strings.Contains(vary, "Cookie") {
		d.t.Errorf("%s: Vary is %q", route, vary)
	}
	if get := strings.HasPrefix(route, "GET") || strings.HasPrefix(route, "HEAD"); get != strings.Contains(vary, "Accept-Encoding") {
		d.t.Errorf("%s: Vary is %q", route, vary)
	}
	if api := strings.Contains(route, " /api/v1/"); api != strings.Contains(vary, "Origin") {
		d.t.Errorf("%s: Vary is %q", route, vary)
	}
}

// sessionName derives the session cookie's name from that of the sign-in cookie.
func (d *door) sessionName() string {
	d.t.Helper()
	return strings.Replace(d.ask(http.MethodGet, "/sign-in", nil).Result().Cookies()[0].Name, "signin", "session", 1)
}

func TestSharedAnswersMakeNoAWSCalls(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	cookie := &http.Cookie{Name: d.sessionName(), Value: strings.Repeat("A", 43)}
	costs := func(path string) int64 {
		before := d.calls.Load()
		d.ask(http.MethodGet, path, func(r *http.Request) { r.AddCookie(cookie) })
		return d.calls.Load() - before
	}
	for _, route := range []string{
		"/branding.{hash}.css", "/branding/{file}", "/schemas/branding.json", "/schemas/product.json",
		"/assets/{name}", "/favicon.ico", "/robots.txt", "/.well-known/security.txt", "/problems/{code}", "/sign-up", "/healthz",
		"/api/v1/openapi.json", "/api/v1/nothing", "/assets/nothing",
	} {
		if n := costs(d.path(route)); n != 0 {
			t.Errorf("%s costs %d calls", route, n)
		}
	}
	if n := costs("/dashboard"); n == 0 {
		t.Error("a page costs no call, so that nothing was counted")
	}
}

func TestPortalBehindTLSSendsHSTS(t *testing.T) {
	t.Parallel()
	p := testProcess(t, "GATEHOUSE_BASE_URL=https://portal.example.com")
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	portal, err := NewPortal(t.Context(), p)
	ok(t, err)
	t.Cleanup(func() { ok(t, portal.Close()) })
	for _, path := range []string{"/", "/api/v1/catalog", "/healthz", "/nothing", "/sign-in"} {
		w := httptest.NewRecorder()
		portal.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "https://portal.example.com"+path, nil))
		if got := w.Header().Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security is %q", path, got)
		}
	}
}
