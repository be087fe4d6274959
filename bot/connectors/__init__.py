"""What carries an approved reply or action to the outside world, one file for each kind of receiver."""
