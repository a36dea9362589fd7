import Everyline
