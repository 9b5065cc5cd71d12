"""What is compared besides one model: two files, and a script that trains."""
