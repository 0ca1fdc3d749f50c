"""What carries signals to browsers and programs: Socket.IO, Server-Sent Events, and the guards before them."""
