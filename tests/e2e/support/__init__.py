"""What end-to-end tests stand on: installations of real processes, and the world around them."""
