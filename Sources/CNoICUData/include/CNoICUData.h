// Nothing to call: the module is linked for the symbol that NoICUData.c defines.
