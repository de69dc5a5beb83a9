package slacksim

import "net/http"

func (s *Server) controlRoutes(mux *http.ServeMux) {}
func (s *Server) pageRoutes(mux *http.ServeMux)    {}
