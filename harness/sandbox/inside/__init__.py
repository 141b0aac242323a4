"""What runs inside the sandbox. Standard library only, relative imports only: bubblewrap shows this folder to the
sandbox's interpreter, where nothing else of this project exists."""
