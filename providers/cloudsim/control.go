package cloudsim

import "net/http"

func (s *Server) control(w http.ResponseWriter, r *http.Request, body []byte) {}
