# reading.sh
