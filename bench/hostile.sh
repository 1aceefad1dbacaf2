# hostile.sh
