
BprobabilitiesJ(ã6ûÀ7òï"* .1ß:34VZ0$úE,\ş?üËx2:ô¬0