import ArgumentParser
import Yams
print("")
