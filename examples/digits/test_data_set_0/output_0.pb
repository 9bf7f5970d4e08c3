
BprobabilitiesJ(?Ž6ßN9ú8Òc	7•&Ž6uß4}Fï1½¶?¨u\:á’	8